extension PJRTClient {
  /// A client of the plugin for a kind of devices; see `PluginSearch`.
  /// - Parameters:
  ///   - devices: how many, from the first one on; nil for all that there are.
  ///   - firstDevice: the number of the first one among the machine's. Of processors' there is none.
  ///   - job: the client's place among those of other processes; nil for a client alone.
  ///   - holdsMemory: whether GPUs set memory aside at once, for faster work.
  /// - Throws: `PJRTError` where there is no plugin, or it is of another kind or finds no device or too few of them.
  public static func open(
    _ kind: PluginKind, devices: Int? = nil, firstDevice: Int = 0, job: PJRTJob? = nil, holdsMemory: Bool = true
  ) throws(PJRTError) -> PJRTClient {
    let path = try PluginSearch().path(of: kind)
    var options: [String: PJRTValue] = [:]
    switch kind {
    case .cpu: options["cpu_device_count"] = .integer(devices ?? 1)
    case .cuda, .rocm:
      // The others stay free, their memory too. Those that are not there the plugin leaves out.
      if let devices, devices > 1 || firstDevice > 0 || job != nil {
        options["visible_devices"] = .integers(Array(firstDevice..<firstDevice + devices))
      }
      if !holdsMemory { options["preallocate"] = .flag(false) }
    case .tpu: break
    }
    let client = try PJRTClient(PJRTPlugin(path: path), options: options, job: job)
    guard client.platformName == kind.rawValue, !client.devices.isEmpty else {
      throw .cannotOpen(
        path: path,
        detail: "it is a plugin for \(client.platformName) with \(client.devices.count) devices, not for "
          + "\(kind.rawValue)")
    }
    if let devices, client.devices.count < devices {
      throw .tooFewDevices(kind: kind, asked: devices, found: client.devices.count)
    }
    return client
  }
}
