import NN
import Processes
import TensorCore
import TestSupport
import Testing

@testable import Training

/// What the processes of a job hold of a stage.
@Suite struct ReplicaStateTests {
  /// Two arrays, of which the second can be another in each process.
  private final class Stage: TrainingStage {
    let name = "stage"
    let totalSteps = 1
    private(set) var saved: StageState

    init(_ second: [Float], count: Int) {
      var parameters = StateDict()
      parameters["a.weight"] = Tensor([1, 2, 3, 4], [2, 2])
      parameters["b.bias"] = Tensor(second, [3])
      saved = StageState(parameters: parameters, optimizer: StateDict(), progress: ["updates": count])
    }

    func step(_ index: Int) throws -> StepMetrics { StepMetrics([]) }
    func state() -> StageState { saved }
    func restore(_ state: StageState) throws { saved = state }
  }

  @Test func allTakeTheFirstOnesState() throws {
    let states = try inReplicas(3) { group in
      let stage = Stage([0.5, Float(group.rank), -0.0], count: 7 - group.rank)
      try group.takeFirst(stage)
      return (stage.saved.parameters["b.bias"]?.elements.map(\.bitPattern), stage.saved.progress)
    }
    for (bits, progress) in states {
      #expect(bits == [0.5, 0, -0.0].map { Float($0).bitPattern })
      #expect(progress == ["updates": 7])
    }
  }

  @Test func oneThatDiffersInABitIsNamed() throws {
    let errors = try inReplicas(3) { group in
      let equal = Stage([0.5, 1, 2], count: 1)
      try group.requireEqual(equal, completed: 4)
      let other = Stage([0.5, group.rank == 2 ? Float(1).nextUp : 1, 2], count: 1)
      return #expect(throws: ReplicasDiffer.self) { try group.requireEqual(other, completed: 4) }
    }
    for error in errors {
      #expect(error?.array == "parameters/b.bias" && error?.step == 4)
      #expect(error?.description.hasPrefix("process 2 on host2: parameters/b.bias") == true)
    }
  }
}
