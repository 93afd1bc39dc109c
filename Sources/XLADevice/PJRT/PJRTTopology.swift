import CPJRT

/// Devices that need not be there, to compile for.
public final class PJRTTopology: @unchecked Sendable {
  // Unchecked: a topology does not change, and may be used from any thread.
  private let handle: OpaquePointer
  private let plugin: PJRTPlugin

  /// Number of devices.
  public let deviceCount: Int

  /// Describes devices to a plugin.
  /// - Parameters:
  ///   - name: one of the plugin's own names; empty where the options say all.
  ///   - options: the plugin's own, such as `topology` and `target_config` for GPUs.
  /// - Throws: `PJRTError.failed`.
  public init(_ plugin: PJRTPlugin, name: String = "", options: [String: PJRTValue]) throws(PJRTError) {
    let action = "describing devices that are not here"
    var created: OpaquePointer?
    try attempt(action) { error in
      PJRTValue.withOptions(options) { dd2_pjrt_topology_create(plugin.handle, name, $0, $1, &created, error) }
    }
    let handle = try given(created, action)
    var count = 0
    do {
      try attempt(action) { dd2_pjrt_topology_devices(plugin.handle, handle, &count, $0) }
    } catch {
      dd2_pjrt_topology_destroy(plugin.handle, handle)
      throw error
    }
    self.plugin = plugin
    self.handle = handle
    deviceCount = count
  }

  deinit { dd2_pjrt_topology_destroy(plugin.handle, handle) }

  /// Compiles a program, which cannot run here.
  /// - Parameter program: an MLIR module in StableHLO.
  /// - Throws: `PJRTError.failed` with what the compiler says.
  public func compile(
    _ program: String, options: CompileOptions = CompileOptions()
  ) throws(PJRTError) -> PJRTExecutable {
    let options = options.serialized
    let action = "compiling for devices that are not here"
    var executable: OpaquePointer?
    try attempt(action) { error in
      withBytes(of: program, options) { dd2_pjrt_topology_compile(plugin.handle, handle, $0, $1, &executable, error) }
    }
    return try PJRTExecutable(plugin, given(executable, action), owner: self)
  }
}
