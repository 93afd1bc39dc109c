import DD2Teacher
import TensorCore
import TestModels
import TestSupport
import Testing
import Training
import XLADevice

@testable import Distillation

private let cpuPlugin = try? PluginSearch().path(of: .cpu)

/// Stages on several virtual devices of XLA's CPU plugin, each with its rows of the batch: the same run as in one place.
@Suite("Training on several devices", .enabled(if: cpuPlugin != nil)) struct XLAReplicaTests {
  private let passes = BatchPassTests()

  /// What a stage gives on some devices, which all hold the same weights afterwards.
  private func outcome(
    _ stage: Int, _ family: TinyTeacher, _ settings: DistillationConfiguration, on devices: Int, _ folder: String
  ) throws -> BatchPassTests.Outcome {
    let client = try PJRTClient(
      PJRTPlugin(path: #require(cpuPlugin)), options: ["cpu_device_count": .integer(devices)])
    let backend = XLABackend(client, deviceCount: devices)
    return try Backends.$override.withValue(backend) {
      let stage = try passes.stage(stage, family, folder, settings)
      let outcome = try passes.outcome(stage)
      for (name, tensor) in stage.state().parameters.entries {
        #expect(backend.replicaThatDiffers(in: tensor.storage) == nil, "\(name)")
      }
      #expect(backend.copiesInsideSteps == 0)
      return outcome
    }
  }

  /// The distance of all weights together, as a part of their length.
  private func distance(_ a: BatchPassTests.Outcome, _ b: BatchPassTests.Outcome) -> Double {
    var (difference, length) = (0.0, 0.0)
    for (name, values) in b.weights {
      for (x, y) in zip(a.weights[name] ?? [], values) {
        difference += Double(x - y) * Double(x - y)
        length += Double(y) * Double(y)
      }
    }
    return (difference / length).squareRoot()
  }

  /// Stage 1, and stage 2 in one pass and in several, with and without what stands beside it.
  @Test(arguments: [
    (TinyTeacher.nextScale, 0, 2, 0), (TinyTeacher.nextScale, 2, 2, 1), (TinyTeacher.nextToken, 2, 4, 0),
  ])
  func severalDevicesAreAsOne(_ family: TinyTeacher, _ stage: Int, _ devices: Int, _ passSize: Int) throws {
    var settings = BatchPassTests.settings(family)
    settings.batch = 4
    if devices == 4 { (settings.regressionWeight, settings.guidance) = (0, Guidance()) }
    try withTemporaryFolder { folder in
      let one = try passes.outcome(passes.stage(stage, family, folder, settings))
      settings.microBatch = passSize
      let several = try outcome(stage, family, settings, on: devices, folder)
      passes.check(several, one, metrics: 1e-4, weights: 2e-4)
      let distance = distance(several, one)
      #expect(distance <= 1e-4, "\(distance)")
    }
  }
}
