import Backbone
import DD2Generator
import DD2Teacher
import Foundation
import NN
import TensorCore
import TestModels
import TestSupport
import Testing

@testable import Sampling

/// Sampling in a few steps, and the path between two samples.
@Suite("Few steps") struct FewStepTests {
  @Test(arguments: TinyTeacher.allCases) func theTeacherDrawsTheLastStagesAnew(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let generator = try TinyStudent.sampler(family, folder)
      let few = try FewStepSampler(generator: generator, guidance: Guidance(), calls: 3, correction: .lastStages)
      let layout = generator.teacher.layout
      let (L, kept) = (layout.count, layout.stages[layout.stageLengths.count - 2].lowerBound)
      let labels: [Int32] = [0, 1, 1]
      let one = try generator.tokens(labels: labels, seed: 5, indices: [0, 1, 2]).values
      let corrected = try few.tokens(labels: labels, seed: 5, indices: [0, 1, 2]).values
      for row in 0..<3 {
        #expect(one[(row * L)..<(row * L + kept)] == corrected[(row * L)..<(row * L + kept)])
      }
      #expect(one != corrected)
      let prefix = IndexTensor((0..<3).flatMap { one[($0 * L)..<($0 * L + kept)] }, [3, kept])
      let drawn = try generator.teacher.sample(
        labels: IndexTensor(labels), guidance: Guidance(), seed: 5, indices: [0, 1, 2], prefix: prefix)
      #expect(drawn.values == corrected)
      // A sample is its own, whatever is drawn beside it.
      #expect(try few.tokens(labels: [1], seed: 5, indices: [2]).values[...] == corrected[(2 * L)...])
    }
  }

  @Test(arguments: TinyTeacher.allCases) func unlikelyTokensAreDrawnAnew(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let generator = try TinyStudent.sampler(family, folder)
      let teacher = generator.teacher
      let ids_BL = try generator.tokens(labels: [0, 1], seed: 5, indices: [0, 1])
      func redrawn(_ tolerance: Float, labels: IndexTensor = [0, 1], rows: Range<Int> = 0..<2) throws -> [Int32] {
        let L = teacher.layout.count
        return try teacher.redrawingUnlikely(
          ids_BL: IndexTensor(Array(ids_BL.values[(rows.lowerBound * L)..<(rows.upperBound * L)]), [rows.count, L]),
          labels: labels, guidance: Guidance(), tolerance: tolerance, seed: 5, step: 1, indices: Array(rows)
        ).values
      }
      // Nothing is so unlikely; everything is unlikelier than certain.
      #expect(try redrawn(1e6) == ids_BL.values)
      let all = try redrawn(-1e6)
      #expect(all != ids_BL.values)
      #expect(try redrawn(-1e6, labels: [1], rows: 1..<2)[...] == all[teacher.layout.count...])
    }
  }

  @Test func callsMustLieBetweenTwoAndTheTeachersOwn() throws {
    try withTemporaryFolder { folder in
      let generator = try TinyStudent.sampler(.nextScale, folder)
      let own = generator.teacher.layout.stageLengths.count
      for calls in [1, own + 1] {
        #expect(throws: FewStepError(calls: calls, teacherCalls: own)) {
          try FewStepSampler(generator: generator, guidance: Guidance(), calls: calls)
        }
      }
      #expect(try FewStepSampler(generator: generator, guidance: Guidance(), calls: own).callsPerImage == own)
    }
  }

  /// Every network that runs is counted: those of the parts in each of the generator's steps, and the teacher's.
  @Test func callsCountThePartsToo() throws {
    try withTemporaryFolder { folder in
      let generator = try TinyStudent.sampler(.nextScale, folder, parts: 2)
      #expect(generator.callsPerImage == 2)
      let few = try FewStepSampler(generator: generator, guidance: Guidance(), calls: 2, correction: .lastStages)
      #expect(few.callsPerImage == 3)
    }
  }

  @Test func thePathLeadsFromSampleToSample() throws {
    try withTemporaryFolder { folder in
      let generator = try TinyStudent.sampler(.nextScale, folder)
      let path = InterpolationSampler(generator: generator, from: 4, to: 7, count: 5)
      let drawn = try path.tokens(labels: [1, 1], seed: 5, indices: [0, 4])
      #expect(try drawn.array == generator.tokens(labels: [1, 1], seed: 5, indices: [4, 7]).array)
      let (a, b) = (Tensor([3, 0, 0], [1, 3]), Tensor([0, 4, 0], [1, 3]))
      let middle = NoisePath(from: a, to: b).noise(at: 0.5).elements
      for (value, expected) in zip(middle, [3.5, 3.5, 0].map { $0 * Float(0.5).squareRoot() }) {
        #expect(abs(value - expected) < 1e-5)
      }
    }
  }
}
