import Evaluation
import Foundation
import TestSupport
import Testing
import Training

@Suite("Training of the feature network") struct FeatureNetPipelineTests {
  /// Measuring the reference takes longer than anybody waits who has asked to stop.
  @Test func theFeatureNetworksStatisticsStopWhenAsked() throws {
    try withTemporaryFolder { folder in
      let flag = InterruptFlag()
      var configuration = FeatureNetTrainingConfiguration(steps: 1, seed: 1)
      configuration.training.batch = 4
      let pipeline = FeatureNetPipeline(configuration, folder: folder, command: "test", interrupt: flag) { event in
        if case .saved(let path) = event, path.hasSuffix("/features.h5") { flag.raise() }
      }
      #expect(throws: RunInterrupted.self) { try pipeline.run() }
      #expect(!FileManager.default.fileExists(atPath: folder + "/reference-statistics.h5"))
    }
  }
}
