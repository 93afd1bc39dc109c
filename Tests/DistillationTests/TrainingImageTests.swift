import Testing

@testable import Distillation

@Suite("Images of stage 1") struct TrainingImageTests {
  /// Folders are sorted by class: the first images would be of the first classes alone.
  @Test func comeFromTheWholeSet() {
    var configuration = tinySettings(steps: 1)
    configuration.trainingImages = 200
    let indices = configuration.trainingIndices(of: 1000)
    #expect(indices.count == 200 && Set(indices).count == 200 && indices == indices.sorted())
    #expect(indices.allSatisfy { (0..<1000).contains($0) })
    // 20 of each hundred, give or take four standard deviations.
    for hundred in 0..<10 {
      #expect((4...36).contains(indices.count { $0 / 100 == hundred }), "images \(hundred)00 on")
    }
    configuration.seed += 1
    #expect(configuration.trainingIndices(of: 1000) != indices)
  }

  @Test func areAllWhereThereAreNoMore() {
    #expect(tinySettings(steps: 1).trainingIndices(of: 24) == Array(0..<24))
    #expect(tinySettings(steps: 1).trainingIndices(of: 5) == Array(0..<5))
  }
}
