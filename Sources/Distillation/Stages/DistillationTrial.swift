import DD2Generator
import DD2Teacher
import Processes
import Sampling
import TeacherModels
import TensorCore
import Training

/// What a distillation will take, from a few real updates in memory alone: nothing is written.
public struct DistillationTrial: Sendable {
  /// The networks with their parameters.
  public let networks: [(name: String, parameters: Int)]
  /// Memory of the process in an update of stage 2 (or of dd1), in bytes.
  public let bytes: Int
  /// Seconds of an update of the score network; nil where there is none.
  public let scoreSeconds: Double?
  /// Seconds of an update of the generator.
  public let generatorSeconds: Double
  /// The stages of the run, with the seconds that they will take, measured or (all but the last) by their share of
  /// multiplications.
  public let stages: [(stage: PlannedStage, seconds: Double)]
  /// Sequences of the largest pass of a replica that was tried; the run's own, or fewer where that would have taken long.
  public let triedPass: Int

  /// Longest time to spend on an update of the run's own batch.
  private static let patience = 30.0

  /// Tries updates.
  /// - Throws: `StateDictError`, errors of the optimiser.
  public init(_ settings: DistillationConfiguration, teacher: TeacherFile.Loaded) throws {
    let pass = settings.batchPlan.passSize
    // A device compiles each size anew, and says itself what it takes.
    let (small, large) = Backends.current === Backends.cpu ? Self.batches(pass) : (pass, nil)
    let first = try Self.update(settings, batch: small, teacher: teacher.teacher)
    var last = try large.map { try Self.update(settings, batch: $0, teacher: teacher.teacher) } ?? first
    var tried = large ?? small
    // Memory is that of the weights and a part that grows with the batch, in proportion: sizes of blocks of memory are
    // rounded alike for batches that are a power of two apart.
    let perSequence = tried > small ? (last.tensorBytes - first.tensorBytes) / (tried - small) : 0
    let expected = last.bytes + (pass - tried) * perSequence
    // All processes of a job must go on alike.
    if tried < pass, ProcessGroup.current.fromFirst({ last.seconds * Double(pass / tried) < Self.patience }) {
      tried = pass
      last = try Self.update(settings, batch: tried, teacher: teacher.teacher)
    }
    bytes = tried < pass ? expected : last.bytes
    let scale = Double(settings.batch) / Double(tried * Backends.current.replicas.count)
    triedPass = tried
    networks = last.networks
    scoreSeconds = last.scoreSeconds.map { $0 * scale }
    generatorSeconds = last.generatorSeconds * scale
    let plan = DistillationPlan(settings, teacher: teacher.teacher).stages
    let rounds = Double(max(1, settings.steps))
    let updates = (0..<max(1, settings.steps)).reduce(0) { $0 + settings.scoreUpdateCount(round: $1) }
    let seconds = generatorSeconds + (scoreSeconds ?? 0) * Double(updates) / rounds
    let secondsPerCost = seconds / plan[plan.count - 1].cost
    stages = plan.map { ($0, Double($0.steps) * $0.cost * secondsPerCost) }
  }

  /// Two batches from whose memory that of the whole follows: whole divisors by powers of two, else 1 and 2.
  private static func batches(_ batch: Int) -> (small: Int, large: Int?) {
    guard batch > 2 else { return (1, batch > 1 ? batch : nil) }
    var small = batch
    while small % 2 == 0, small > 2 { small /= 2 }
    return small > 8 || small == batch ? (1, 2) : (small == 2 ? 1 : small, small == 2 ? 2 : 2 * small)
  }

  fileprivate struct Update {
    let networks: [(name: String, parameters: Int)]
    let tensorBytes: Int
    /// Of the whole process.
    let bytes: Int
    let scoreSeconds: Double?
    let generatorSeconds: Double
    var seconds: Double { generatorSeconds + (scoreSeconds ?? 0) }
  }

  /// One update of each network, after one that takes the memory: of two passes where the run's are of several.
  /// - Parameter batch: of a replica's pass.
  /// - Returns: with the seconds of a pass.
  private static func update(
    _ settings: DistillationConfiguration, batch: Int, teacher: any Teacher
  ) throws -> Update {
    ProcessMemory.releaseUnusedTensors()
    var settings = settings
    let passes = settings.batchPlan.passes.count > 1 ? 2 : 1
    settings.batch = passes * batch * Backends.current.replicas.count
    settings.microBatch = batch
    let factory = StudentFactory(teacher: teacher, settings)
    let stage1 = try factory.scoreNetwork().parameters.stateDict()
    let (B, L) = (settings.batch, teacher.layout.count)
    let pairs = TokenSource {
      TokenSet(ids: IndexArray([Int32](repeating: 0, count: B * L), [B, L]), labels: [Int32](repeating: 0, count: B))
    }
    let teacherNetwork = ("teacher", teacher.trunkState.elementCount + teacher.classifierState.elementCount)
    if settings.method == .dd1 {
      let stage = try PairRegression(
        name: "trial", steps: 2, teacher: teacher, initial: stage1, pairs: pairs, configuration: settings, monitor: nil)
      let times = try (0..<2).map { index in try seconds { _ = try stage.step(index).read(step: index) } }
      return Update(
        networks: [teacherNetwork, ("generator", stage.generator.parameters.count)], scoreSeconds: nil,
        generatorSeconds: times[1] / Double(passes))
    }
    let stage = try Stage2Training(
      teacher: teacher, stage1: stage1, start: nil, pairs: pairs, configuration: settings,
      monitor: DistillationMonitor(teacher: teacher, scorer: nil, configuration: settings))
    let times = try (0..<2).map { index in
      (
        score: seconds { _ = stage.updateScore(index).report.norm.item },
        generator: try seconds { _ = try stage.updateGenerator(step: index).read(step: index) }
      )
    }
    return Update(
      networks: [
        teacherNetwork, ("generator", stage.generator.parameters.count),
        ("score network", stage.score.parameters.count),
      ], scoreSeconds: times[1].score / Double(passes), generatorSeconds: times[1].generator / Double(passes))
  }

  private static func seconds(_ body: () throws -> Void) rethrows -> Double {
    try ContinuousClock().measure(body) / .seconds(1)
  }
}

extension DistillationTrial.Update {
  /// An update that has just been made: memory is what the process has now.
  fileprivate init(networks: [(name: String, parameters: Int)], scoreSeconds: Double?, generatorSeconds: Double) {
    self.init(
      networks: networks, tensorBytes: ProcessMemory.tensorBytes, bytes: ProcessMemory.residentBytes,
      scoreSeconds: scoreSeconds, generatorSeconds: generatorSeconds)
  }
}
