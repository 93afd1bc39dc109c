import CPJRT
import Foundation

/// A plugin at work: what holds devices, compiles for them and puts arrays there.
public final class PJRTClient: @unchecked Sendable {
  // Unchecked: PJRT's clients may be used from any thread.
  let handle: OpaquePointer
  // Where the client finds those of other processes, as long as it is there.
  private let store: StoreCallbacks?

  /// The plugin.
  public let plugin: PJRTPlugin
  /// The name of the platform, such as `cpu` or `cuda`.
  public let platformName: String
  /// Versions of what the platform consists of, as a text.
  public let platformVersion: String
  /// The devices of this process, which programs run on.
  public let devices: [PJRTDevice]

  /// Starts a plugin's client.
  /// - Parameters:
  ///   - options: the plugin's own, such as `cpu_device_count`.
  ///   - job: the client's place among those of other processes; nil for a client alone.
  /// - Throws: `PJRTError.failed`, as where the machine has no such device, or another process does not come.
  public init(_ plugin: PJRTPlugin, options: [String: PJRTValue] = [:], job: PJRTJob? = nil) throws(PJRTError) {
    let action = "starting the plugin \(plugin.path)"
    let store = job.map { StoreCallbacks($0.store) }
    var options = options
    if let job { options.merge(["node_id": .integer(job.node), "num_nodes": .integer(job.nodes)]) { $1 } }
    var created: OpaquePointer?
    try attempt(action) { error in
      PJRTValue.withOptions(options) {
        dd2_pjrt_client_create(plugin.handle, $0, $1, store?.pointer, &created, error)
      }
    }
    let handle = try given(created, action)
    do {
      var (name, version) = (dd2_pjrt_text(), dd2_pjrt_text())
      try attempt(action) { dd2_pjrt_client_platform(plugin.handle, handle, &name, &version, $0) }
      (platformName, platformVersion) = (String(name), String(version))
      var (list, count): (UnsafePointer<OpaquePointer?>?, Int) = (nil, 0)
      try attempt(action) { dd2_pjrt_client_devices(plugin.handle, handle, &list, &count, $0) }
      var devices: [PJRTDevice] = []
      for entry in UnsafeBufferPointer(start: list, count: count) {
        devices.append(try PJRTDevice(plugin, given(entry, action)))
      }
      self.devices = devices
    } catch {
      dd2_pjrt_client_destroy(plugin.handle, handle)
      throw error
    }
    self.plugin = plugin
    self.handle = handle
    self.store = store
  }

  deinit { dd2_pjrt_client_destroy(plugin.handle, handle) }

  /// What a device's memory holds; nil where the plugin keeps no such figures.
  public func memory(of device: PJRTDevice) throws(PJRTError) -> PJRTDeviceMemory? {
    try attemptIfOffered { () throws(PJRTError) in
      var memory = dd2_pjrt_device_memory()
      try attempt("reading the memory of \(device.kind)") {
        dd2_pjrt_device_memory_get(plugin.handle, device.handle, &memory, $0)
      }
      return PJRTDeviceMemory(memory)
    }
  }

  /// Compiles a program.
  /// - Parameter program: an MLIR module in StableHLO.
  /// - Throws: `PJRTError.failed` with what the compiler says.
  public func compile(
    _ program: String, options: CompileOptions = CompileOptions()
  ) throws(PJRTError) -> PJRTLoadedExecutable {
    let options = options.serialized
    var loaded: OpaquePointer?
    try attempt("compiling for \(platformName)") { error in
      withBytes(of: program, options) { dd2_pjrt_client_compile(plugin.handle, handle, $0, $1, &loaded, error) }
    }
    return try PJRTLoadedExecutable(self, given(loaded, "compiling for \(platformName)"))
  }

  /// Loads a program that this plugin, in this version, has compiled for this kind of device.
  /// - Parameter serialized: of `PJRTExecutable.serialized()`.
  /// - Throws: `PJRTError.failed` where it is another's, or damaged.
  public func load(_ serialized: [UInt8]) throws(PJRTError) -> PJRTLoadedExecutable {
    var loaded: OpaquePointer?
    try attempt("loading a compiled program") { error in
      serialized.withUnsafeBytes {
        dd2_pjrt_client_load(
          plugin.handle, handle, dd2_pjrt_bytes(start: $0.baseAddress, size: $0.count), &loaded, error)
      }
    }
    return try PJRTLoadedExecutable(self, given(loaded, "loading a compiled program"))
  }
}

/// A device of a client, which lives as long as it.
public struct PJRTDevice: @unchecked Sendable {
  // Unchecked: a device does not change, and may be used from any thread.
  let handle: OpaquePointer
  /// The device's number among all of its kind, as programs are assigned to it.
  public let id: Int
  /// What the device is, such as `NVIDIA H100 80GB HBM3`.
  public let kind: String

  init(_ plugin: PJRTPlugin, _ handle: OpaquePointer) throws(PJRTError) {
    var (id, kind) = (Int32(0), dd2_pjrt_text())
    try attempt("describing a device") { dd2_pjrt_device_describe(plugin.handle, handle, &id, &kind, $0) }
    self.handle = handle
    self.id = Int(id)
    self.kind = String(kind)
  }
}

/// Bytes of a device's memory.
public struct PJRTDeviceMemory: Equatable, Sendable {
  /// What arrays and programs hold now.
  public let inUse: Int
  /// The most that they held; nil where the plugin does not say.
  public let peak: Int?
  /// The most that they can hold; nil where the plugin does not say.
  public let limit: Int?

  init(_ memory: dd2_pjrt_device_memory) {
    inUse = Int(memory.in_use)
    peak = memory.peak < 0 ? nil : Int(memory.peak)
    limit = memory.limit < 0 ? nil : Int(memory.limit)
  }
}

/// Calls `body` with a program and its options as C takes them.
func withBytes(of program: String, _ options: [UInt8], _ body: (dd2_pjrt_bytes, dd2_pjrt_bytes) -> Int32) -> Int32 {
  var program = program
  return program.withUTF8 { program in
    options.withUnsafeBytes { options in
      body(
        dd2_pjrt_bytes(start: program.baseAddress, size: program.count),
        dd2_pjrt_bytes(start: options.baseAddress, size: options.count))
    }
  }
}
