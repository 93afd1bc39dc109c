import DD2Teacher
import Training

/// The stages of a distillation with what their steps cost in multiply-adds, roughly: enough to tell from the time that
/// some of them took about how long the others will take.
struct DistillationPlan {
  /// Sequences of an update.
  private let batch: Double
  private var settings: DistillationConfiguration
  /// Multiply-adds per sequence of a forward pass: of a student's trunk, of the teacher, of all noise levels of the head.
  private let trunk, teacher, head, headAtOneLevel: Double
  /// Multiply-adds per sequence of a step of the teacher's flow.
  private let flowStep: Double

  init(_ settings: DistillationConfiguration, teacher: any Teacher) {
    self.settings = settings
    batch = Double(settings.batch)
    let (tokens, D, V) = (
      Double(teacher.layout.count), Double(teacher.codebook.dimension), Double(teacher.codebook.count)
    )
    let perToken = Double(teacher.trunkState.elementCount)
    let classifier = Double(teacher.classifierState.elementCount)
    let (width, depth) = (Double(settings.headWidth), Double(settings.headDepth))
    func head(levels: Double) -> Double {
      tokens * (classifier + levels * (2 * depth * width * width + 2 * D * width + 2 * V * D))
    }
    trunk = tokens * perToken
    self.teacher = tokens * (perToken + classifier) * (settings.cfg > 0 ? 2 : 1)
    self.head = head(levels: Double(settings.noiseLevels))
    headAtOneLevel = head(levels: 1)
    flowStep = tokens * 2 * V * D
  }

  /// A pass forward and back in place of one forward.
  private static let trainingFactor = 3.0

  /// A forward pass of a generator, for its update's batch. The networks of several parts cost about two over all tokens.
  private func generator(_ parts: Int) -> Double { batch * (trunk + headAtOneLevel) * (parts > 1 ? 2 : 1) }

  /// The stages in the order in which they run.
  var stages: [PlannedStage] {
    guard settings.method == .dd2 else {
      return [
        pairs(drawnBy: nil),
        PlannedStage(name: settings.method.rawValue, steps: settings.steps, cost: regression(settings.parts)),
      ]
    }
    let stage1 = PlannedStage(
      name: "stage1", steps: settings.stage1Steps,
      cost: batch * (teacher * 2 + Self.trainingFactor * (trunk + head)))
    return own + [stage1] + chain + stages(parts: settings.parts, chain: settings.usesChain ? settings.chainParts : nil)
  }

  /// Drawing with kept keys and values reads each token once.
  private var own: [PlannedStage] {
    guard settings.drawsOwnSequences else { return [] }
    return [
      PlannedStage(name: TokenCollection.ownSequencesName, steps: settings.ownSequenceCount, cost: 2 * teacher)
    ]
  }

  private var chain: [PlannedStage] {
    guard settings.usesChain else { return [] }
    var plan = self
    plan.settings = settings.chain
    return plan.stages(parts: settings.chainParts, chain: nil).map(\.inChain)
  }

  /// Pairs, warm start and stage 2 of a generator.
  private func stages(parts: Int, chain: Int?) -> [PlannedStage] {
    let warmStart = PlannedStage(name: "warm-start", steps: settings.warmStartSteps, cost: regression(parts))
    return (settings.usesPairs ? [pairs(drawnBy: chain)] : []) + (settings.hasWarmStart ? [warmStart] : [])
      + [PlannedStage(name: "distill", steps: settings.steps, cost: distillation(parts))]
  }

  private func pairs(drawnBy chain: Int?) -> PlannedStage {
    let cost =
      chain.map { generator($0) / batch } ?? 2 * teacher + 2 * Double(settings.pairIntegrationSteps) * flowStep
    return PlannedStage(name: TokenCollection.pairsName, steps: settings.pairs, cost: cost)
  }

  private func regression(_ parts: Int) -> Double { Self.trainingFactor * generator(parts) }

  /// The mean cost of a round of stage 2.
  private func distillation(_ parts: Int) -> Double {
    let rounds = 0..<max(1, settings.steps)
    let updates = rounds.reduce(0) { $0 + settings.scoreUpdateCount(round: $1) }
    let score = generator(parts) + Self.trainingFactor * batch * (trunk + head)
    let scores = batch * (teacher + trunk + head * (settings.loss == .sid ? Self.trainingFactor : 1))
    let beside = settings.regressionWeight > 0 ? regression(parts) : 0
    return Double(updates) / Double(rounds.count) * score + Self.trainingFactor * generator(parts) + scores + beside
  }
}

extension PlannedStage {
  /// The stage as one of the chain's.
  var inChain: PlannedStage {
    PlannedStage(name: DistillationPipeline.chainName(name), steps: steps, cost: cost)
  }
}
