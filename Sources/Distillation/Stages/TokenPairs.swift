import DD2Generator
import DD2Teacher
import Sampling
import TeacherModels
import TensorCore
import Training

/// Noise and the tokens that it becomes, for regression: by the teacher's flow (DD1, arXiv 2412.17153), or by another
/// generator. A generator of several parts draws nearly as well as its teacher with far fewer choices upon one another, so
/// that one network can learn its tokens where it cannot learn the teacher's.
///
/// The noise of pair i depends on (seed, i) alone, so only tokens and labels are kept, with the seed.
enum TokenPairs {
  /// Purpose under which the noise is drawn.
  static let noisePurpose = "pairs.noise"

  /// Integrates the closed-form velocity `v = (x - x0) / t` from t = 1 to 0 for every token, stage by stage.
  /// - Parameters:
  ///   - indices: the pairs to make, one batch; label i is `i % classCount`.
  ///   - steps: Heun steps; the last one is the jump to the posterior mean, which is then snapped to its nearest code.
  /// - Throws: `NonFiniteOutput`.
  static func collect(
    teacher: any Teacher, guidance: Guidance, indices: Range<Int>, steps: Int, seed: UInt64
  ) throws -> TokenSet {
    precondition(steps > 0, "TokenPairs: \(steps) integration steps")
    let labels = indices.map { Int32($0 % teacher.classCount) }
    let noise = PlacedRows(noise(teacher: teacher, indices: Array(indices), seed: seed))
    let ids = try teacher.generate(labels: IndexTensor(labels), guidance: guidance) { place, logProbabilities in
      teacher.codebook.nearest(
        integrate(
          noise.at(place), logProbabilities: logProbabilities, codebook_VD: teacher.codebook.vectors_VD, steps: steps))
    }
    return TokenSet(ids: ids.array, labels: labels)
  }

  /// Draws the tokens with a generator.
  /// - Parameter indices: as above.
  /// - Throws: `NonFiniteOutput`.
  static func collect(
    generator: OneStepGenerator, teacher: any Teacher, indices: Range<Int>, seed: UInt64
  ) throws -> TokenSet {
    let labels = indices.map { Int32($0 % teacher.classCount) }
    let noise_BLD = noise(teacher: teacher, indices: Array(indices), seed: seed)
    let ids = try OutputCheck.step("generator") { check in
      withoutGradient {
        let q_BLD = generator(noise_BLD: noise_BLD, labels: IndexTensor(labels))
        check.add(q_BLD)
        return teacher.codebook.nearest(q_BLD)
      }
    }
    return TokenSet(ids: ids.array, labels: labels)
  }

  /// The noise of pairs: (B, L, D).
  static func noise(teacher: any Teacher, indices: [Int], seed: UInt64) -> Tensor {
    noise(teacher: teacher, samples: RandomCounter(indices), count: indices.count, seed: seed)
  }

  /// The noise of as many pairs: (count, L, D).
  static func noise(teacher: any Teacher, samples: RandomCounter, count: Int, seed: UInt64) -> Tensor {
    RandomNumbers(seed: seed, purpose: noisePurpose)
      .normal([count, teacher.layout.count, teacher.codebook.dimension], samples: samples)
  }

  /// Heun's method on `dx/dt = (x - x0(x, t)) / t` from t = 1 to 0.
  /// - Parameter noise_BlD: x at t = 1.
  /// - Returns: x at t = 0, (B, l, D).
  static func integrate(
    _ noise_BlD: Tensor, logProbabilities: Tensor, codebook_VD: Tensor, steps: Int
  ) -> Tensor {
    let (B, l, D) = noise_BlD.dims3
    func velocity(_ x: Tensor, _ time: Float) -> Tensor {
      let t = Tensor(repeating: time, [1, B, l])
      let x_t = x.reshaped([1, B, l, D])
      let x0 = codebookPosteriorMean(x_t, t: t, logProbabilities: logProbabilities, codebook: codebook_VD)
      return flowVelocity(x0: x0, x_t: x_t, t: t).reshaped([B, l, D])
    }
    var x = noise_BlD
    for step in 0..<steps {
      let (time, next) = (1 - Float(step) / Float(steps), 1 - Float(step + 1) / Float(steps))
      let slope = velocity(x, time)
      let euler = x + slope * (next - time)
      x = step + 1 == steps ? euler : x + (slope + velocity(euler, next)) * (0.5 * (next - time))
    }
    return x
  }
}

extension TokenCollection {
  /// The name of the collection.
  static let pairsName = "pairs"

  /// The pairs of a run.
  /// - Parameter chain: the generator file that draws the tokens, in place of the teacher's flow where nil; read only if
  ///   pairs are missing.
  static func pairs(
    of teacher: TeacherFile.Loaded, chain: RecordedFile?, _ settings: DistillationConfiguration
  ) throws -> TokenCollection {
    TokenCollection(
      name: pairsName, total: settings.pairs,
      origin: [
        "noise_seed": String(settings.seed), "noise_purpose": TokenPairs.noisePurpose,
        "guidance": try JSON.text(settings.guidance), "generator": chain?.hash ?? "none",
      ], batch: min(mostAtOnce, teacher.teacher.sequencesAtOnce)
    ) {
      guard let chain else {
        return { indices in
          try TokenPairs.collect(
            teacher: teacher.teacher, guidance: settings.guidance, indices: indices,
            steps: settings.pairIntegrationSteps, seed: settings.seed)
        }
      }
      let generator = try GeneratorFile.read(chain.path, teacher: teacher).generator
      return { indices in
        try TokenPairs.collect(generator: generator, teacher: teacher.teacher, indices: indices, seed: settings.seed)
      }
    }
  }
}
