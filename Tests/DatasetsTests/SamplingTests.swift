import Testing

@testable import Datasets

@Suite struct SamplingTests {
  @Test func everyEpochIsAPermutation() {
    var sampler = BatchSampler(count: 50, batchSize: 8, seed: 4)
    let stream = (0..<25).flatMap { sampler.indices(step: $0) }
    let epochs = (0..<4).map { Array(stream[$0 * 50..<($0 + 1) * 50]) }
    for epoch in epochs { #expect(epoch.sorted() == Array(0..<50)) }
    #expect(epochs[0] != epochs[1])
    #expect(epochs[0] != Array(0..<50))
  }

  @Test func aResumedRunSeesTheSameBatches() {
    var whole = BatchSampler(count: 30, batchSize: 7, seed: 9)
    let uninterrupted = (0..<20).map { whole.indices(step: $0) }
    var resumed = BatchSampler(count: 30, batchSize: 7, seed: 9)
    #expect((11..<20).map { resumed.indices(step: $0) } == Array(uninterrupted[11...]))
    #expect(resumed.indices(step: 2) == uninterrupted[2])
    var other = BatchSampler(count: 30, batchSize: 7, seed: 10)
    #expect(other.indices(step: 0) != uninterrupted[0])
  }

  @Test func aBatchMayBeLargerThanTheSet() {
    var sampler = BatchSampler(count: 3, batchSize: 7, seed: 0)
    let batch = sampler.indices(step: 1)
    #expect(batch.count == 7)
    #expect(Array(batch[2..<5]).sorted() == [0, 1, 2])
  }

  @Test func labelStreams() throws {
    #expect(LabelStream.balanced(classCount: 3).labels(2..<7) == [2, 0, 1, 2, 0])
    #expect(try LabelStream.fixed(4, classCount: 10).labels(0..<3) == [4, 4, 4])
    #expect(throws: DatasetError.unknownClass(10, classCount: 10)) {
      try LabelStream.fixed(10, classCount: 10)
    }
    #expect(DatasetError.unknownClass(10, classCount: 10).exitCode == 64)
  }
}
