import DD2Teacher
import Datasets
import NN
import Processes
import TensorCore
import Training

/// What training a teacher will take, from a few real updates on made-up data, in memory: nothing is written.
public struct TeacherTrial: Sendable {
  /// A network that is trained.
  public struct Part: Sendable {
    /// Its stage.
    public let name: String
    /// Number of its weights.
    public let parameters: Int
    /// Its training.
    public let settings: TrainingSettings
    /// Time of an update, in seconds.
    public let seconds: Double
  }

  /// The networks, in the order in which they are trained.
  public let parts: [Part]

  /// Part of a batch that is tried first.
  private static let share = 8
  /// Longest time that an update of the whole batch may take to be tried too, in seconds.
  private static let patience = 2.0

  /// Tries updates of settings that are sound.
  /// - Throws: errors of the optimiser.
  public init(_ settings: TeacherTrainingConfiguration) throws {
    parts = try Self.parts(of: settings.teacher.family, settings)
    ProcessMemory.releaseUnusedTensors()
  }

  /// The stages of the run with the seconds of their steps.
  public var stages: [PlannedStage] {
    parts.map { PlannedStage(name: $0.name, steps: $0.settings.steps, cost: $0.seconds) }
  }

  private static func parts<Family: TeacherFamily>(
    of family: Family, _ settings: TeacherTrainingConfiguration
  ) throws -> [Part] {
    let seed = settings.seed
    let transformer = try part(settings.transformer) { settings in
      let (B, L) = (settings.batch, family.layout.count)
      let ids = IndexArray([Int32](repeating: 0, count: B * L), [B, L])
      let tokens = TokenSource { TokenSet(ids: ids, labels: [Int32](repeating: 0, count: B)) }
      let network = family.makeTransformer(over: family.makeTokenizer(seed: seed), seed: seed)
      return (TransformerTraining(network, tokens: tokens, settings: settings, seed: seed), network.parameters)
    }
    guard settings.tokens == nil else { return [transformer] }
    let images = MadeUpImages(side: family.imageSide, classCount: family.classCount)
    let perceptual = try part(settings.perceptual) { settings in
      let stage = PerceptualTraining(data: images, settings: settings, seed: seed)
      return (stage, stage.network.parameters)
    }
    let weights = settings.lossWeights
    let tokenizer = try part(settings.tokenizer) { settings in
      let stage = TokenizerTraining(
        family.makeTokenizer(seed: seed),
        perceptual: PerceptualNetwork(classCount: family.classCount, seed: seed), weights: weights, data: images,
        settings: settings, seed: seed)
      return (stage, stage.tokenizer.parameters)
    }
    return [perceptual, tokenizer, transformer]
  }

  /// Updates of a part of the batch, then, where those were quick, of the whole.
  private static func part(
    _ settings: TrainingSettings, make: (TrainingSettings) -> (any TrainingStage, ParameterSet)
  ) throws -> Part {
    var whole = settings
    whole.steps = max(updates, settings.steps)
    var small = whole
    let replicas = Backends.current.replicas.count
    small.batch = replicas * max(1, settings.batch / (replicas * share))
    let (stage, weights) = make(small)
    var time = try secondsOfUpdate(stage) * Double(settings.batch) / Double(small.batch)
    // All processes must go on alike.
    if ProcessGroup.current.fromFirst({ time < patience }) { time = try secondsOfUpdate(make(whole).0) }
    return Part(name: stage.name, parameters: weights.count, settings: settings, seconds: time)
  }

  /// Updates that are made, of which the last one is timed: the first one takes the memory.
  private static let updates = 2

  private static func secondsOfUpdate(_ stage: any TrainingStage) throws -> Double {
    for index in 0..<(updates - 1) { _ = try stage.step(index).read(step: index) }
    return try ContinuousClock().measure { _ = try stage.step(updates - 1).read(step: updates - 1) } / .seconds(1)
  }
}

/// Images of no meaning.
private struct MadeUpImages: ImageSource {
  let side: Int
  let classCount: Int

  let count = 64
  var height: Int { side }
  var width: Int { side }
  var classNames: [String] { (0..<classCount).map(String.init) }
  func pixels(at index: Int) -> [UInt8] {
    (0..<(side * side * 3)).map { UInt8(truncatingIfNeeded: $0 &* (index + 7)) }
  }
  func label(at index: Int) -> Int32 { Int32(index % classCount) }
}
