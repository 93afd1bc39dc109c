import Artifacts
import Datasets
import FIDEval
import Foundation
import NN
import TensorCore
import Training

/// The feature network of shapes32 in HDF5: weights under `/parameters`.
public enum FeatureNetFile {
  /// The checkpoint kind of feature networks.
  public static let kind = "features"

  /// Reads the network, strictly, as an extractor that records the file's hash.
  /// - Throws: `ArtifactError`.
  public static func read(_ path: String) throws -> ShapesFeatureExtractor {
    let file = try Checkpoint.load(from: path, expectingKind: kind, groups: ["parameters"])
    let configuration: ShapesFeatureNetConfiguration = try JSON.decode(file.config, path: path)
    let set = ParameterSet()
    let network = ShapesFeatureNet(ParameterBuilder(set, seed: nil), configuration)
    for (name, array) in file.parameters { try array.requireFinite(name, path: path) }
    try fitting(path) { try set.load(StateDict(file.parameters)) }
    return ShapesFeatureExtractor(network, weightsHash: try WeightsManifest.sha256(ofFile: path))
  }
}

/// Trains the network that scores shapes32: classes and drawing attributes (colours, size, place) from pixels. It sees
/// nothing of any teacher.
public final class FeatureNetTraining: TrainingStage {
  public let name = "features"
  public var totalSteps: Int { settings.steps }
  /// All weights.
  public let parameters = ParameterSet()
  private let network: ShapesFeatureNet
  private let settings: TrainingSettings
  private let data: Shapes32
  private let trainer: NetworkTrainer
  private var sampler: BatchSampler

  /// A stage at its beginning.
  public init(data: Shapes32, configuration: ShapesFeatureNetConfiguration, settings: TrainingSettings, seed: UInt64) {
    network = ShapesFeatureNet(ParameterBuilder(parameters, seed: seed), configuration)
    self.settings = settings
    self.data = data
    trainer = NetworkTrainer(parameters, settings.optimizer, settings.schedule)
    sampler = BatchSampler(count: data.count, batchSize: settings.batch, seed: seed)
  }

  public func step(_ index: Int) throws -> StepMetrics {
    let indices = sampler.indices(step: index)
    let batch = try data.batch(indices)
    return Backends.step {
      let labels = IndexTensor(batch.labels)
      let output = network(batch.images)
      let loss = ShapesFeatureNet.loss(output, labels: labels, attributes: data.attributes(indices))
      let report = trainer.minimize(loss)
      return StepMetrics(
        [
          ("loss", .number(loss)), ("accuracy", .number(output.logits.argmax().equals(labels).mean())),
          ("gradient_norm", .number(report.norm)),
        ], updates: [report])
    }
  }

  public func state() -> StageState { state(of: trainer) }
  public func restore(_ state: StageState) throws { try restore(state, into: trainer) }
}

/// Settings of the feature network's training.
public struct FeatureNetTrainingConfiguration: Codable, Equatable, Sendable {
  /// Sizes.
  public var network = ShapesFeatureNetConfiguration()
  /// The training.
  public var training: TrainingSettings
  /// Everything random.
  public var seed: UInt64

  /// Settings that train the bundled network.
  public init(steps: Int = 1500, seed: UInt64 = 1) {
    training = TrainingSettings(
      steps: steps, batch: 64, learningRate: 2e-3, optimizer: AdamWConfiguration(weightDecay: 0.01))
    self.seed = seed
  }
}

extension FeatureNetTrainingConfiguration: CheckedSettings {
  public func check() throws(SettingsError) {
    try network.check()
    try training.check()
  }
}

/// Trains the feature network and writes it with the reference statistics.
public struct FeatureNetPipeline {
  private let configuration: FeatureNetTrainingConfiguration
  private let folder: String
  private let command: String
  private let interrupt: InterruptFlag
  private let observer: RunObserver

  /// A pipeline in a folder.
  public init(
    _ configuration: FeatureNetTrainingConfiguration, folder: String, command: String, interrupt: InterruptFlag,
    observer: @escaping RunObserver
  ) {
    self.configuration = configuration
    self.folder = folder
    self.command = command
    self.interrupt = interrupt
    self.observer = observer
  }

  /// The settings of the run in a folder.
  /// - Throws: `ArtifactError` where there is none.
  public static func recorded(in folder: String) throws -> FeatureNetTrainingConfiguration {
    try RunDirectory.open(folder + "/features").recordedSettings()
  }

  /// Runs what is not done yet; writes `features.h5` and `reference-statistics.h5`.
  /// - Returns: the paths of both.
  public func run() throws -> (network: String, statistics: String) {
    let stage = FeatureNetTraining(
      data: Shapes32(.train), configuration: configuration.network, settings: configuration.training,
      seed: configuration.seed)
    let run = try OpenRun(folder + "/features", settings: configuration, command: command)
    try StageLoop(run, checkpointInterval: 200, interrupt: interrupt, observer: observer).run(stage)
    let path = folder + "/features.h5"
    let file = Checkpoint(
      kind: FeatureNetFile.kind, config: try JSON.text(configuration.network), createdBy: DD2Version.description,
      metadata: [
        "command": run.command, "seed": String(configuration.seed), "training": try JSON.text(configuration.training),
      ])
    try file.write(to: path, adding: ["parameters": stage.parameters.current])
    observer(.saved(path: path))
    let statisticsPath = folder + "/reference-statistics.h5"
    try FIDScorer.statistics(
      of: Shapes32(.reference), extractor: try FeatureNetFile.read(path),
      progress: { _ in if interrupt.isRaised { throw RunInterrupted(checkpoint: nil) } }
    ).write(statisticsPath)
    observer(.saved(path: statisticsPath))
    return (path, statisticsPath)
  }
}
