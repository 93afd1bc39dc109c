import Testing

@testable import TensorCore
@testable import XLADevice

/// Several virtual devices of XLA's CPU plugin, as replicas of one backend.
@Suite("Several devices on XLA", .enabled(if: CPUPlugin.isFound)) struct ReplicaTests {
  private func onDevices(_ count: Int, _ body: (XLABackend) throws -> Void) throws {
    let client = try PJRTClient(CPUPlugin.open(), options: ["cpu_device_count": .integer(count)])
    let backend = XLABackend(client, deviceCount: count)
    try Backends.$override.withValue(backend) { try body(backend) }
  }

  /// Digits from 0 to 9, one after the other from a first one, for each replica in turn.
  private func digits(_ count: Int, replicas: Int) -> [Float] { (0..<count * replicas).map { Float($0 * 7 % 10) } }

  /// What each replica holds of digits, in one number each: replica r's digit stands at 10 to the r.
  private func all(_ x: Tensor, replicas: Int) -> [Float] {
    let places = (0..<replicas).map { r in (0..<r).reduce(1 as Float) { place, _ in place * 10 } }
    return Backends.step { summedOverReplicas([x * Tensor(perReplica: places, [])])[0] }.elements
  }

  private func expected(_ parts: [Float], count: Int) -> [Float] {
    (0..<count).map { index in
      stride(from: index, to: parts.count, by: count).reversed().reduce(0) { 10 * $0 + parts[$1] }
    }
  }

  @Test(arguments: [1, 2, 4]) func sumsAreThoseOfAllDevices(count: Int) throws {
    try onDevices(count) { backend in
      #expect(backend.replicas == Replicas(count: count, here: 0..<count))
      let (x, y) = (digits(6, replicas: count), digits(5, replicas: count))
      let sums = Backends.step {
        summedOverReplicas([Tensor(perReplica: x, [2, 3]) * 0.5, Tensor(perReplica: y, [5])])
      }
      func sum(_ parts: [Float], _ size: Int) -> [Float] {
        (0..<size).map { index in stride(from: index, to: parts.count, by: size).reduce(0) { $0 + parts[$1] } }
      }
      #expect(sums[0].shape == [2, 3] && sums[0].elements == sum(x, 6).map { 0.5 * $0 })
      #expect(sums[1].elements == sum(y, 5))
      for sum in sums { #expect(backend.replicaThatDiffers(in: sum.storage) == nil) }
    }
  }

  @Test(arguments: [2, 4]) func eachDeviceHasItsPart(count: Int) throws {
    try onDevices(count) { _ in
      let parts = digits(6, replicas: count)
      #expect(all(Tensor(perReplica: parts, [2, 3]), replicas: count) == expected(parts, count: 6))
      let indices = IndexTensor(perReplica: parts.map { Int32($0) }, [6])
      let table = Tensor((0..<10).map { Float($0) }, [10, 1])
      #expect(all(table.gatherRows(indices).reshaped([6]), replicas: count) == expected(parts, count: 6))
    }
  }

  @Test(arguments: [2, 4]) func whatIsCopiedOnceIsEqualOnAll(count: Int) throws {
    try onDevices(count) { backend in
      let (x, ids) = (Tensor([1, -2, 3], [3]), IndexTensor([4, 5]))
      #expect(all(x, replicas: count) == expected((0..<count).flatMap { _ in [1, -2, 3] as [Float] }, count: 3))
      #expect(backend.replicaThatDiffers(in: x.storage) == nil)
      #expect(backend.replicaThatDiffers(in: ids.storage) == nil)
      #expect(x.elements == [1, -2, 3] && ids.values == [4, 5])
    }
  }

  @Test func theFirstReplicaThatDiffersIsFound() throws {
    try onDevices(4) { backend in
      func differing(_ parts: [Float]) -> Int? {
        backend.replicaThatDiffers(in: Tensor(perReplica: parts, [2]).storage)
      }
      #expect(differing([1, 2, 1, 2, 1, 2, 1, 2]) == nil)
      #expect(differing([1, 2, 1, 2, 1, 2, 1, 3]) == 3)
      #expect(differing([1, 2, 1, 2, 0, 2, 1, 3]) == 2)
      // Bits, not numbers.
      #expect(differing([0, 2, -0.0, 2, 0, 2, 0, 2]) == 1)
      #expect(differing([.nan, 2, .nan, 2, .nan, 2, .nan, 2]) == nil)
    }
  }

  @Test(arguments: [2, 4]) func statesChangeOnEveryDevice(count: Int) throws {
    try onDevices(count) { backend in
      let parts = digits(3, replicas: count).map { Float(Int($0) % 3) }
      let x = Tensor(perReplica: parts, [3])
      let (own, common) = (Tensor.zeros([3]), Tensor.zeros([3]))
      for _ in 0..<3 {
        Backends.step {
          own.assign(own + x)
          common.assign(common + summedOverReplicas([x])[0])
        }
      }
      #expect(all(own, replicas: count) == expected(parts.map { 3 * $0 }, count: 3))
      #expect(own.elements == parts.prefix(3).map { 3 * $0 })
      #expect(backend.replicaThatDiffers(in: common.storage) == nil)
      let program = try #require(backend.largestProgram)
      #expect(program.aliased > 0)
    }
  }

  /// A program is compiled for the number of devices: caches tell them apart, and one device's is as it was.
  @Test func programsSayHowManyDevicesRunThem() throws {
    let program = StepProgram()
    #expect(!program.stableHLO(precision: .float32).contains("replicas"))
    #expect(program.stableHLO(precision: .float32, replicaCount: 4).contains("mhlo.num_replicas = 4 : i32"))
    #expect(CompileOptions(replicas: 2).serialized != CompileOptions().serialized)
  }

  @Test func ofSeveralProcessesEachHasItsOwnReplicas() throws {
    let client = try PJRTClient(CPUPlugin.open(), options: ["cpu_device_count": 2])
    let backend = XLABackend(client, deviceCount: 2, job: PJRTJob(node: 1, nodes: 3, store: MemoryStore()))
    #expect(backend.replicas == Replicas(count: 6, here: 2..<4))
  }
}
