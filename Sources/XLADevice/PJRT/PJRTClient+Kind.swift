extension PJRTClient {
  /// A client of the plugin for a kind of devices; see `PluginSearch`.
  /// - Parameter holdsMemory: whether GPUs set memory aside at once, for faster work.
  /// - Throws: `PJRTError` where there is no plugin, or it is of another kind or finds no device.
  public static func open(_ kind: PluginKind, holdsMemory: Bool = true) throws(PJRTError) -> PJRTClient {
    let path = try PluginSearch().path(of: kind)
    let options: [String: PJRTValue] =
      switch kind {
      case .cpu: ["cpu_device_count": 1]
      case .cuda, .rocm: holdsMemory ? [:] : ["preallocate": .flag(false)]
      case .tpu: [:]
      }
    let client = try PJRTClient(PJRTPlugin(path: path), options: options)
    guard client.platformName == kind.rawValue, !client.devices.isEmpty else {
      throw .cannotOpen(
        path: path,
        detail: "it is a plugin for \(client.platformName) with \(client.devices.count) devices, not for "
          + "\(kind.rawValue)")
    }
    return client
  }
}
