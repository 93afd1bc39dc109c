import TensorCore
import TestModels
import TestSupport
import Testing
import Training
import XLADevice

@testable import Distillation

private let cpuPlugin = try? PluginSearch().path(of: .cpu)

/// Stages on several virtual devices of XLA's CPU plugin, each with its rows of the batch: the same run as on one.
@Suite("Training on several devices", .enabled(if: cpuPlugin != nil)) struct XLAReplicaTests {
  private let passes = BatchPassTests()

  private func outcome(
    _ family: TinyTeacher, stage: Int, devices: Int, passSize: Int = 0, _ folder: String
  ) throws -> BatchPassTests.Outcome {
    let client = try PJRTClient(
      PJRTPlugin(path: #require(cpuPlugin)), options: ["cpu_device_count": .integer(devices)])
    let backend = XLABackend(client, deviceCount: devices)
    return try Backends.$override.withValue(backend) {
      var settings = BatchPassTests.settings(family, passSize: passSize)
      settings.batch = 4
      let stage = try passes.stages(family, folder, settings)[stage]
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

  @Test(arguments: [
    (TinyTeacher.nextScale, 0, 2, 0), (.nextToken, 1, 2, 0), (.nextScale, 2, 2, 1), (.nextToken, 2, 4, 0),
  ])
  func severalDevicesAreAsOne(_ family: TinyTeacher, _ stage: Int, _ devices: Int, _ passSize: Int) throws {
    try withTemporaryFolder { folder in
      let one = try outcome(family, stage: stage, devices: 1, folder)
      let several = try outcome(family, stage: stage, devices: devices, passSize: passSize, folder)
      passes.check(several, one, metrics: 1e-4, weights: 2e-4)
      let distance = distance(several, one)
      #expect(distance <= 1e-4, "\(distance)")
    }
  }
}
