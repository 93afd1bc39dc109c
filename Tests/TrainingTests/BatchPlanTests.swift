import TensorCore
import Testing
import Training

@Suite struct BatchPlanTests {
  private func rows(_ plan: BatchPlan) -> [[Range<Int>]] { plan.passes.map(\.rowsOfReplicas) }

  @Test func oneReplicaTakesAll() {
    #expect(rows(BatchPlan(batch: 6, replicas: .one)) == [[0..<6]])
    #expect(BatchPlan(batch: 6, replicas: .one).passes[0].isWhole)
    #expect(rows(BatchPlan(batch: 6, passSize: 2, replicas: .one)) == [[0..<2], [2..<4], [4..<6]])
  }

  /// The replicas of a process and those of others take parts that follow upon each other, each in passes.
  @Test func replicasTakeParts() {
    let plan = BatchPlan(batch: 24, passSize: 3, replicas: Replicas(count: 4, here: 2..<4))
    #expect(rows(plan) == [[12..<15, 18..<21], [15..<18, 21..<24]])
    #expect(plan.passes.map(\.rows) == [[12, 13, 14, 18, 19, 20], [15, 16, 17, 21, 22, 23]])
    #expect(plan.passes.allSatisfy { $0.count == 3 && !$0.isWhole })
  }

  /// A pass is as large as it may be, and passes are equal.
  @Test(arguments: [(36, 3, 0, 12), (12, 4, 5, 3), (12, 1, 16, 12), (12, 1, 5, 4)])
  func passesDivideAPart(batch: Int, replicas: Int, passSize: Int, expected: Int) {
    let plan = BatchPlan(batch: batch, passSize: passSize, replicas: Replicas(count: replicas, here: 0..<1))
    #expect(plan.passSize == expected)
  }
}
