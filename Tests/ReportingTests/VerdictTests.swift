import Testing

@testable import Reporting

@Suite("How a run goes, in words") struct VerdictTests {
  private static func texts(
    _ state: RunSummary.State, done: Int, total: Int?, _ records: [[String: Double]]
  ) -> [String] {
    Verdicts(folder: "runs/a", state: state, steps: (done, total), records: records).all.map {
      ($0.isWarning ? "! " : "") + $0.text
    }
  }

  /// A log whose updates have an `fcs` and, some, an FID.
  private static func log(fcs: [Double], fid: [Int: Double]) -> [[String: Double]] {
    [["step": 0, "fid": fid[0] ?? 20, "teacher_fid": 5.5]]
      + fcs.enumerated().map { index, value in
        let score = fid[index + 1].map { ["fid": $0] } ?? [:]
        return ["step": Double(index + 1), "fcs": value, "seconds": Double(60 * (index + 1))].merging(score) { $1 }
      }
  }

  @Test func ofAHealthyRun() {
    let records = Self.log(fcs: .init(repeating: 1, count: 40), fid: [0: 14, 10: 9, 20: 8, 30: 7, 40: 6])
    #expect(
      Self.texts(.finished, done: 40, total: 40, records) == [
        "finished: 40 updates in 40 min of training",
        "FID 6.00 at update 40; it began at 14.00; the teacher has 5.50",
        "FID still falls: more --steps may bring it lower",
        "no metric has left its healthy range",
      ])
  }

  @Test func ofARunThatGoesWrongAndComesBack() {
    let fcs = [Double](repeating: 1, count: 10) + [Double](repeating: 4, count: 20) + [Double](repeating: 1, count: 20)
    let fid: [Int: Double] = [0: 14, 10: 9, 20: 12, 30: 12.5, 40: 13, 50: 14.5]
    let lines = Self.texts(.running, done: 50, total: 100, Self.log(fcs: fcs, fid: fid))
    #expect(
      lines == [
        "running: update 50 of 100, 50 min of training",
        "FID 14.50 at update 50, best 9.00 at update 10 (best.h5); it began at 14.00; the teacher has 5.50",
        "FID has not come below its best since update 10, 4 measurements ago",
        "the score network lags from update 20 to 34, no more since",
        "! FID is worse than at the start since update 50: lower --generator-lr or raise stage2.score_updates",
      ])
  }

  @Test func ofRunsWithoutScoresAndOfOtherKinds() {
    #expect(
      Self.texts(.stopped, done: 0, total: 9, []) == [
        "! stopped at update 0 of 9; dd2 distill --resume --run runs/a goes on"
      ])
    #expect(Self.texts(.finished, done: 3, total: nil, [["step": 3, "loss": 1]]).isEmpty)
  }
}
