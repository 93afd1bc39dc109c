import TensorCore
import Testing

@testable import XLADevice

@Suite(.enabled(if: CPUPlugin.isFound, "no plugin for processors: dd2 device install cpu"))
struct ProgramTests {
  @Test func twoArraysAreAdded() throws {
    let client = try CPUPlugin.client()
    let program = try client.compile(Program.binary("add", "2x3xf32"))
    let a = try client.upload([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
    let b = try client.upload([0.5, 0.25, -3, 8, 1e6, 0] as [Float], shape: [2, 3])
    let (outputs, done) = try program.execute([a, b])
    try done.wait()
    #expect(program.executable.outputCount == 1)
    #expect(outputs.count == 1)
    #expect(try outputs[0].type == (.float32, [2, 3]))
    #expect(try outputs[0].bytesOnDevice == 24)
    #expect(try outputs[0].elements(as: Float.self) == [1.5, 2.25, 0, 12, 1_000_005, 6])
    // The arguments are still there.
    #expect(try a.elements(as: Float.self) == [1, 2, 3, 4, 5, 6])
  }

  @Test func resultsAreGivenOnBeforeTheyAreThere() throws {
    let client = try CPUPlugin.client()
    let program = try client.compile(Program.binary("add", "4xf32"))
    var sum = try client.upload([Float](repeating: 0, count: 4), shape: [4])
    let one = try client.upload([1, 2, 3, 4] as [Float], shape: [4])
    for _ in 0..<10 { sum = try program.execute([sum, one]).outputs[0] }
    #expect(try sum.elements() == [10, 20, 30, 40] as [Float])
  }

  @Test func integersWrapAndKeepTheirSign() throws {
    let client = try CPUPlugin.client()
    let signed = try client.compile(Program.binary("multiply", "3xi32"))
    let unsigned = try client.compile(Program.binary("divide", "3xui32"))
    let a = try client.upload([Int32.max, -7, 100_000], shape: [3])
    let b = try client.upload([2, 6, 100_000] as [Int32], shape: [3])
    #expect(try signed.execute([a, b]).outputs[0].elements() == [-2, -42, 1_410_065_408] as [Int32])
    let c = try client.upload([UInt32.max, 7, 0x8000_0000], shape: [3])
    let d = try client.upload([2, 2, 2] as [UInt32], shape: [3])
    #expect(try unsigned.execute([c, d]).outputs[0].elements() == [0x7FFF_FFFF, 3, 0x4000_0000] as [UInt32])
  }

  @Test func truthValuesAndScalars() throws {
    let client = try CPUPlugin.client()
    let program = try client.compile(Program.binary("and", "i1"))
    for (a, b) in [(true, true), (true, false), (false, false)] {
      let arguments = try [a, b].map { try client.upload([$0], shape: []) }
      let output = try program.execute(arguments).outputs[0]
      #expect(try output.type == (.pred, []))
      #expect(try output.elements() == [a && b])
    }
  }

  @Test func halfPrecision() throws {
    let client = try CPUPlugin.client()
    let program = try client.compile(Program.binary("add", "2xbf16"))
    // 1.0 and 2.0; 0.5 and -2.0.
    let arguments = try [[0x3F80, 0x4000], [0x3F00, 0xC000] as [UInt16]].map { halves in
      try halves.withUnsafeBytes { try client.upload(bytes: $0, .bfloat16, shape: [2]) }
    }
    let output = try program.execute(arguments).outputs[0]
    var sums: [UInt16] = [1, 1]
    try sums.withUnsafeMutableBytes { try output.copy(to: $0).wait() }
    #expect(sums == [0x3FC0, 0])
    #expect(try output.type == (.bfloat16, [2]))
  }

  @Test func emptyArrays() throws {
    let client = try CPUPlugin.client()
    let empty = try client.upload([] as [Float], shape: [0, 3])
    let program = try client.compile(Program.binary("add", "0x3xf32"))
    #expect(try program.execute([empty, empty]).outputs[0].elements() == [] as [Float])
  }

  @Test func resultsComeRowMajor() throws {
    let client = try CPUPlugin.client()
    let program = try client.compile(
      """
      func.func public @main(%a: tensor<2x3xf32>) -> tensor<3x2xf32> {
        %0 = stablehlo.transpose %a, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
        return %0 : tensor<3x2xf32>
      }
      """)
    let output = try program.execute([client.upload([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])]).outputs[0]
    #expect(try output.elements() == [1, 4, 2, 5, 3, 6] as [Float])
  }

  @Test func aWrongProgramGivesTheCompilersText() throws {
    let client = try CPUPlugin.client()
    let error = failure { _ = try client.compile(Program.binary("no_such_operation", "4xf32")) }
    #expect(error?.isOneLine == true)
    #expect(error?.description.contains("no_such_operation") == true, "\(String(describing: error))")
    #expect(failure { _ = try client.compile("") }?.isOneLine == true)
  }

  @Test func wrongArgumentsAreAnError() throws {
    let client = try CPUPlugin.client()
    let program = try client.compile(Program.binary("add", "4xf32"))
    let four = try client.upload([1, 2, 3, 4] as [Float], shape: [4])
    let two = try client.upload([1, 2] as [Float], shape: [2])
    #expect(failure { _ = try program.execute([four]) }?.isOneLine == true)
    #expect(failure { _ = try program.execute([four, two]) }?.isOneLine == true)
  }

  @Test func donationConsumesTheArgument() throws {
    let client = try CPUPlugin.client()
    let text = Program.binary("add", "1024xf32", attributes: " {tf.aliasing_output = 0 : i32}")
    let program = try client.compile(text)
    #expect(try program.executable.memory?.aliased == 4096)
    let state = try client.upload([Float](repeating: 1, count: 1024), shape: [1024])
    let change = try client.upload([Float](repeating: 2, count: 1024), shape: [1024])
    let result = try program.execute([state, change]).outputs[0]
    #expect(try result.elements() == [Float](repeating: 3, count: 1024))
    #expect(try state.isDeleted)
    #expect(try !change.isDeleted)
    #expect(failure { _ = try state.elements(as: Float.self) }?.isOneLine == true)
    #expect(failure { _ = try program.execute([state, change]) }?.isOneLine == true)
  }

  @Test func deletedArraysAreGone() throws {
    let client = try CPUPlugin.client()
    let array = try client.upload([1, 2] as [Float], shape: [2])
    #expect(try !array.isDeleted)
    try array.delete()
    #expect(try array.isDeleted)
    #expect(failure { _ = try array.elements(as: Float.self) } != nil)
  }

  @Test func aProgramIsSerializedAndLoaded() throws {
    let client = try CPUPlugin.client()
    let bytes = try client.compile(Program.binary("subtract", "2xf32")).executable.serialized()
    #expect(bytes.count > 100)
    // By another client, as in the next process.
    let other = try PJRTClient(CPUPlugin.open())
    let program = try other.load(bytes)
    let a = try other.upload([5, 1] as [Float], shape: [2])
    let b = try other.upload([2, 3] as [Float], shape: [2])
    #expect(try program.execute([a, b]).outputs[0].elements() == [3, -2] as [Float])
    #expect(program.executable.outputCount == 1)
    #expect(failure { _ = try client.load(Array(bytes.prefix(50))) }?.isOneLine == true)
    #expect(failure { _ = try client.load([]) }?.isOneLine == true)
  }

  @Test func memoryAndCostOfAProgram() throws {
    let client = try CPUPlugin.client()
    let executable = try client.compile(Program.product(64)).executable
    let memory = try #require(try executable.memory)
    #expect(memory.arguments == 2 * 64 * 64 * 4)
    #expect(memory.outputs == 64 * 64 * 4)
    #expect(memory.aliased == 0)
    #expect(memory.temporary >= 64 * 64 * 4)
    // Only some plugins estimate; what they say is at least the product's additions and multiplications.
    if let cost = try executable.cost, case .real(let operations) = cost["flops"] {
      #expect(operations >= 2 * 64 * 64 * 64)
    }
  }

  @Test func twoDevicesHoldAndComputeTheirOwn() throws {
    let client = try PJRTClient(CPUPlugin.open(), options: ["cpu_device_count": 2])
    #expect(client.devices.map(\.id) == [0, 1])
    for device in client.devices {
      let program = try client.compile(Program.binary("add", "2xf32"), options: CompileOptions(device: device.id))
      let a = try client.upload([1, 2] as [Float], shape: [2], to: device)
      let b = try client.upload([10, 20] as [Float], shape: [2], to: device)
      #expect(try program.execute([a, b]).outputs[0].elements() == [11, 22] as [Float])
      // Arrays of the other device are refused.
      let other = try client.upload([1, 2] as [Float], shape: [2], to: client.devices[1 - device.id])
      #expect(failure { _ = try program.execute([other, other]) }?.isOneLine == true)
    }
  }

  /// Bytes by which the process grows as `body` is repeated, after it has been warmed up.
  private func growth(_ count: Int, _ body: () throws -> Void) rethrows -> Int {
    for _ in 0..<count / 10 { try body() }
    let before = ProcessMemory.residentBytes
    for _ in 0..<count { try body() }
    return ProcessMemory.residentBytes - before
  }

  @Test func aThousandRunsLeakNothing() throws {
    let client = try CPUPlugin.client()
    let program = try client.compile(Program.binary("add", "65536xf32"))
    let elements = [Float](repeating: 1, count: 65536)
    let bytes = try growth(1000) {
      let a = try client.upload(elements, shape: [65536])
      let (outputs, done) = try program.execute([a, a])
      try done.wait()
      #expect(try outputs[0].elements(as: Float.self)[65535] == 2)
    }
    // One array left behind in each run would be 262 MB.
    #expect(bytes < 4 << 20)
  }

  @Test func eventsErrorsAndProgramsAreNotLeftBehind() throws {
    let client = try CPUPlugin.client()
    let program = try client.compile(Program.binary("add", "4xf32"))
    let a = try client.upload([1, 2, 3, 4] as [Float], shape: [4])
    // A hundred bytes left behind each time would be 2 MB.
    let events = try growth(20_000) { try program.execute([a, a]).done.wait() }
    #expect(events < 1 << 20)
    let deleted = try client.upload([1, 2, 3, 4] as [Float], shape: [4])
    try deleted.delete()
    let errors = growth(20_000) { _ = failure { _ = try deleted.elements(as: Float.self) } }
    #expect(errors < 1 << 20)
    let bytes = try program.executable.serialized()
    // The plugin's copy of a program's bytes is some kilobytes.
    let copies = try growth(1000) { _ = try program.executable.serialized() }
    #expect(copies < 1 << 20)
    let programs = try growth(500) { _ = try client.load(bytes).executable.memory }
    #expect(programs < 4 << 20)
  }
}
