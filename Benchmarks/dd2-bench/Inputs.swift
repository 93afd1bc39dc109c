import DD2Teacher
import Datasets
import TensorCore

/// The random draws of the stages' steps, made again from the keys that the stages use: the twins get the same. Should
/// a stage change its keys, the comparison with the twins fails.
struct Inputs {
  let workload: Workload

  /// Draws of one update of stage 2, by name.
  func update(_ purpose: String, step: Int) -> [String: Tensor] {
    let configuration = workload.configuration
    let (K, B) = (configuration.noiseLevels, configuration.batch)
    let (L, D) = (workload.teacher.layout.count, workload.teacher.codebook.dimension)
    let purpose = "distill." + purpose
    func numbers(_ purpose: String) -> RandomNumbers {
      RandomNumbers(seed: configuration.seed, purpose: purpose, step: RandomCounter(step))
    }
    func normal(_ rows: Int, _ purpose: String) -> Tensor { numbers(purpose + ".noise").normal([rows, L, D]) }
    let times = numbers(purpose + ".t").uniform([K * B, L], in: configuration.minTime..<configuration.maxTime)
    var stream = RandomStream(seed: configuration.seed, purpose: purpose + ".labels", step: step)
    let labels = (0..<B).map { _ in Float(stream.integer(below: workload.teacher.classCount)) }
    return [
      "noise": normal(B, purpose), "t": times.reshaped([K, B, L]),
      "level_noise": normal(K * B, purpose + ".levels").reshaped([K, B, L, D]), "labels": Tensor(labels, [B]),
    ]
  }

  /// Tokens and labels, some dropped, of a step of the teacher's training.
  func training(step: Int) -> [String: Tensor] {
    let seed = workload.configuration.seed
    var sampler = BatchSampler(
      count: workload.tokens.count, batchSize: workload.settings.batch, seed: seed &+ 1)
    let (ids, labels) = workload.tokens.batch(sampler.indices(step: step))
    var stream = RandomStream(seed: seed, purpose: "transformer.class_dropout", step: step)
    let dropped = labels.values.map { stream.uniform() < 0.1 ? workload.teacher.classCount : Int($0) }
    return [
      "ids": Tensor(ids.values.map(Float.init), ids.shape),
      "labels": Tensor(dropped.map(Float.init), [labels.count]),
    ]
  }
}
