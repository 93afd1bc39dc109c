import DD2Generator
import DD2Teacher
import NN
import Sampling
import TeacherModels
import TensorCore
import TestModels
import TestSupport
import Testing
import Training
import XLADevice

@testable import Distillation

private let cpuPlugin = try? PluginSearch().path(of: .cpu)

/// Training on XLA's CPU plugin beside the CPU backend: the same numbers but for rounding, which AdamW enlarges where a
/// gradient is next to nothing.
@Suite("Training on XLA", .enabled(if: cpuPlugin != nil)) struct XLATrainingTests {
  private static func settings(_ family: TinyTeacher, _ loss: DistillationLoss) -> DistillationConfiguration {
    var settings = DistillationConfiguration(steps: 5)
    settings.batch = 3
    settings.noiseLevels = 2
    settings.firstRounds = 0
    settings.scoreUpdates = 2
    settings.pairs = 8
    settings.head = .init(width: 16, depth: 1)
    settings.loss = loss
    settings.guidance = family.guidance
    return settings
  }

  /// The metrics of rounds of stage 2 after those of stage 1.
  /// - Parameter began: called before each round of stage 2.
  private func metrics(
    _ family: TinyTeacher, _ loss: DistillationLoss, _ folder: String, rounds: Int = 5, began: (Int) -> Void = { _ in }
  ) throws -> [[(String, Double)]] {
    let teacher = try family.load(in: folder).teacher
    let settings = Self.settings(family, loss)
    let tokens = try TokenPairs.collect(
      teacher: teacher, guidance: settings.guidance, indices: 0..<settings.pairs, steps: 2, seed: settings.seed)
    let stage1 = try Stage1Training(teacher: teacher, tokens: TokenSource { tokens }, configuration: settings)
    let stage2 = try Stage2Training(
      teacher: teacher, stage1: stage1.network.parameters.stateDict(), start: nil, pairs: TokenSource { tokens },
      configuration: settings, monitor: DistillationMonitor(teacher: teacher, scorer: nil, configuration: settings))
    let first = try (0..<3).map { try stage1.step($0).read(step: $0) }
    return try first
      + (0..<rounds).map { round in
        began(round)
        return try stage2.step(round).read(step: round)
      }
  }

  @Test(arguments: zip(TinyTeacher.allCases, DistillationLoss.allCases))
  func agreesWithTheCPU(_ family: TinyTeacher, _ loss: DistillationLoss) throws {
    try withTemporaryFolder { folder in
      let expected = try metrics(family, loss, folder)
      let backend = XLABackend(try PJRTClient(PJRTPlugin(path: #require(cpuPlugin))))
      let found = try Backends.$override.withValue(backend) { try metrics(family, loss, folder) }
      #expect(backend.copiesInsideSteps == 0)
      for (step, (a, b)) in zip(found, expected).enumerated() {
        #expect(a.map(\.0) == b.map(\.0))
        for ((name, value), (_, other)) in zip(a, b) {
          #expect(abs(value - other) <= 1e-4 + 1e-3 * abs(other), "step \(step): \(name) is \(value), not \(other)")
        }
      }
    }
  }

  /// Programs are compiled in the first rounds only, and by the first process only, whose results are those of the next.
  @Test func aRunCompilesAHandful() throws {
    try withTemporaryFolder { folder in
      let cache = ProgramCache(folder: folder + "/programs")
      func run() throws -> (compiled: [Int], loaded: Int, metrics: [[Double]]) {
        var (round, compiled, loaded) = (-1, [Int](), 0)
        let backend = XLABackend(try PJRTClient(PJRTPlugin(path: #require(cpuPlugin))), cache: cache) { event in
          switch event {
          case .compiled: compiled.append(round)
          case .loaded: loaded += 1
          case .compiling, .cacheFailed: break
          }
        }
        let metrics = try Backends.$override.withValue(backend) {
          try self.metrics(.nextScale, .sid, folder, rounds: 50) { round = $0 }
        }
        return (compiled, loaded, metrics.map { $0.map(\.1) })
      }
      let (first, second) = (try run(), try run())
      let rounds = first.compiled.filter { $0 >= 0 }
      #expect(rounds == [0, 0, 0])
      #expect(second.compiled.isEmpty && second.loaded == first.compiled.count)
      #expect(first.metrics == second.metrics)
    }
  }
}
