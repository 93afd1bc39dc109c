import CPJRT
import Foundation

/// A compiled program, as far as that needs no device: its size, its cost, its bytes for a cache.
public final class PJRTExecutable: @unchecked Sendable {
  // Unchecked: a compiled program does not change, and may be asked from any thread.
  private let handle: OpaquePointer
  private let plugin: PJRTPlugin
  // What must outlive it: a loaded program, whose part it may be, or a topology.
  private let owner: AnyObject

  /// Number of arrays that a run gives.
  public let outputCount: Int

  /// Takes over a handle.
  init(_ plugin: PJRTPlugin, _ handle: OpaquePointer, owner: AnyObject) throws(PJRTError) {
    var count = 0
    do {
      try attempt("describing a program") { dd2_pjrt_executable_outputs(plugin.handle, handle, &count, $0) }
    } catch {
      dd2_pjrt_executable_destroy(plugin.handle, handle)
      throw error
    }
    self.plugin = plugin
    self.handle = handle
    self.owner = owner
    outputCount = count
  }

  deinit { dd2_pjrt_executable_destroy(plugin.handle, handle) }

  /// The program's bytes, for `PJRTClient.load` of the same plugin in the same version.
  public func serialized() throws(PJRTError) -> [UInt8] {
    var (bytes, size): (UnsafeMutableRawPointer?, Int) = (nil, 0)
    try attempt("serializing a program") { dd2_pjrt_executable_serialize(plugin.handle, handle, &bytes, &size, $0) }
    defer { free(bytes) }
    return Array(UnsafeRawBufferPointer(start: bytes, count: size))
  }

  /// Memory that a run takes; nil where the plugin does not say.
  public var memory: PJRTProgramMemory? {
    get throws(PJRTError) {
      try attemptIfOffered { () throws(PJRTError) in
        var memory = dd2_pjrt_program_memory()
        try attempt("measuring a program") { dd2_pjrt_executable_memory(plugin.handle, handle, &memory, $0) }
        return PJRTProgramMemory(memory)
      }
    }
  }

  /// The compiler's estimates of a run, by its own names, such as `flops` and `bytes accessed`; nil where it gives none.
  public var cost: [String: PJRTValue]? {
    get throws(PJRTError) {
      try attemptIfOffered { () throws(PJRTError) in
        var (values, count): (OpaquePointer?, Int) = (nil, 0)
        try attempt("estimating a program") { dd2_pjrt_executable_cost(plugin.handle, handle, &values, &count, $0) }
        return PJRTValue.dictionary(values, count)
      }
    }
  }
}

/// Bytes of a device's memory that a run of a program takes: `arguments + outputs - aliased + temporary + code`.
public struct PJRTProgramMemory: Equatable, Sendable {
  /// The arguments.
  public let arguments: Int
  /// The results.
  public let outputs: Int
  /// Of the results, what takes the place of donated arguments.
  public let aliased: Int
  /// What lies between arguments and results.
  public let temporary: Int
  /// The compiled code.
  public let code: Int

  /// All of it.
  public var total: Int { arguments + outputs - aliased + temporary + code }

  init(_ memory: dd2_pjrt_program_memory) {
    arguments = Int(memory.arguments)
    outputs = Int(memory.outputs)
    aliased = Int(memory.aliased)
    temporary = Int(memory.temporary)
    code = Int(memory.code)
  }
}

/// A compiled program that can run.
public final class PJRTLoadedExecutable: Sendable {
  private let loaded: LoadedProgram

  /// What the program is: size, cost, bytes.
  public let executable: PJRTExecutable

  /// Takes over a handle.
  init(_ client: PJRTClient, _ handle: OpaquePointer) throws(PJRTError) {
    let loaded = LoadedProgram(client, handle)
    var executable: OpaquePointer?
    try attempt("describing a program") {
      dd2_pjrt_loaded_executable(client.plugin.handle, handle, &executable, $0)
    }
    self.executable = try PJRTExecutable(client.plugin, given(executable, "describing a program"), owner: loaded)
    self.loaded = loaded
  }

  /// Begins to run the program on its device. It may take what is still being computed, and its results may be given on.
  /// - Parameter arguments: of the program's types. Those that it marks with `tf.aliasing_output` are consumed.
  /// - Returns: the results, and the event that ends the run.
  /// - Throws: `PJRTError.failed`, as where number or types of the arguments are wrong.
  public func execute(_ arguments: [PJRTBuffer]) throws(PJRTError) -> (outputs: [PJRTBuffer], done: PJRTEvent) {
    let (outputs, done) = try execute(byDevice: [arguments])
    return (outputs[0], done[0])
  }

  /// Begins to run the program on all its devices in this process at once.
  /// - Parameter arguments: for each device, in order, as above; as many for each.
  /// - Returns: for each device its results, and the event that ends its run.
  /// - Throws: `PJRTError.failed`, as where the program is not of as many devices.
  public func execute(
    byDevice arguments: [[PJRTBuffer]]
  ) throws(PJRTError) -> (outputs: [[PJRTBuffer]], done: [PJRTEvent]) {
    let (client, count) = (loaded.client, executable.outputCount)
    let action = "running a program on \(client.platformName)"
    var outputs = [OpaquePointer?](repeating: nil, count: arguments.count * count)
    var events = [OpaquePointer?](repeating: nil, count: arguments.count)
    let handles: [OpaquePointer?] = arguments.flatMap { $0.map(\.handle) }
    try withExtendedLifetime(arguments) { () throws(PJRTError) in
      try attempt(action) {
        dd2_pjrt_execute(
          client.plugin.handle, loaded.handle, arguments.count, handles, handles.count / arguments.count, &outputs,
          count, &events, $0)
      }
    }
    let done = try events.map { event throws(PJRTError) in PJRTEvent(client, try given(event, action), action) }
    let buffers = try outputs.map { output throws(PJRTError) in PJRTBuffer(client, try given(output, action)) }
    return (arguments.indices.map { Array(buffers[$0 * count..<($0 + 1) * count]) }, done)
  }
}

/// The handle of a program that a client can run.
private final class LoadedProgram: @unchecked Sendable {
  // Unchecked: PJRT's programs may run from any thread.
  let handle: OpaquePointer
  let client: PJRTClient

  init(_ client: PJRTClient, _ handle: OpaquePointer) {
    self.client = client
    self.handle = handle
  }

  deinit { dd2_pjrt_loaded_destroy(client.plugin.handle, handle) }
}
