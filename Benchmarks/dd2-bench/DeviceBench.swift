import ArgumentParser
import Backbone
import DD2Generator
import DD2Teacher
import Distillation
import FIDEval
import Foundation
import Sampling
import TeacherModels
import TensorCore
import XLADevice

/// `dd2-bench device`: one task of a published model on a device, for `scripts/gpu-check.sh`.
struct DeviceBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "device", abstract: "Time a task of a published model on a device, with random weights.",
    discussion: """
      Prints a line of CSV: median and first seconds (the first compiles), peak GiB of device memory, parameters that are \
      trained or drawn with. pytorch_device.py does the same tasks in PyTorch.
      """)

  enum Task: String, CaseIterable, ExpressibleByArgument {
    /// A cycle of stage 2: four updates of the score network, one of the generator; SiD, four noise levels.
    case cycle
    /// Teacher-forced logits.
    case forward
    /// Images drawn with the generator.
    case onestep
    /// Images drawn with the teacher.
    case sampling
    /// Inception-V3's features.
    case inception
  }

  @Argument(help: "cycle, forward, onestep, sampling or inception.") var task: Task
  @Option(help: "A published model, such as var-d16 or llamagen-l-256; tiny-var, tiny-llamagen.") var model = "var-d16"
  @Option(help: "Sequences or images at a time.") var batch = 8
  @Option(help: "What computes: cpu, xla-cpu, cuda, rocm or tpu.") var device = BenchDevice.cuda
  @Option(help: "What products are computed in: float32, tf32 or bfloat16.") var precision = Precision.float32
  @Option(help: "Timed runs, after two that are not.") var count = 7
  @Option(help: "Inception-V3's weights.") var weights: String?

  func run() throws {
    try Backends.start()
    let backend = try device.open(precision)
    Backends.use(backend)
    let (work, parameters) = try prepared()
    let clock = ContinuousClock()
    let times = try (0..<(count + 2)).map { index in try clock.measure { try work(index) } / .seconds(1) }
    let sorted = times.dropFirst(2).sorted()
    let peak = (backend as? XLABackend)?.deviceMemory?.peak
    Bench.answer(
      [
        String(format: "%.6f", sorted[sorted.count / 2]), String(format: "%.3f", times[0]),
        peak.map { String(format: "%.2f", Double($0) / Double(1 << 30)) } ?? "", parameters.map { "\($0)" } ?? "",
      ].joined(separator: ","))
  }

  func validate() throws {
    guard count > 0, batch > 0 else { throw ValidationError("--count and --batch: expected one or more") }
    guard task != .inception || weights != nil else { throw ValidationError("inception needs --weights FILE") }
  }

  /// The task as a function of the run's number, which ends when its results are on the host, and its parameters.
  private func prepared() throws -> (work: (Int) throws -> Void, parameters: Int?) {
    if task == .inception { return (try inception(), nil) }
    let (teacher, parameters) = try PublishedModel.teacher(model, seed: 1)
    let labels = (0..<batch).map { Int32($0 % teacher.classCount) }
    switch task {
    case .cycle:
      let stage = try PublishedModel.stage2(of: teacher, batch: batch)
      return ({ _ = try stage.step($0).read(step: $0) }, stage.generator.parameters.count)
    case .forward:
      let ids = IndexTensor(repeating: 1, [batch, teacher.layout.count])
      return (
        { _ in
          _ =
            Backends.step {
              withoutGradient { teacher.logits(ids_BL: ids, labels: IndexTensor(labels), cfg: 0).sum() }
            }.item
        }, parameters
      )
    case .onestep:
      let generator = try PublishedModel.stage2(of: teacher, batch: batch).generator
      let sampler = GeneratorSampler(generator: generator, teacher: teacher)
      return ({ try draw(sampler, labels, run: $0) }, generator.parameters.count)
    case .sampling, .inception:
      let sampler = TeacherSampler(teacher: teacher, guidance: Guidance())
      return ({ try draw(sampler, labels, run: $0) }, parameters)
    }
  }

  private func draw(_ sampler: any ImageSampler, _ labels: [Int32], run: Int) throws {
    let indices = labels.indices.map { run * labels.count + $0 }
    _ = try sampler.images(labels: labels, seed: 1, indices: indices).elements
  }

  private func inception() throws -> (Int) throws -> Void {
    let network = InceptionV3(weights: try InceptionFile.read(weights ?? ""), protocol: .pytorchFID)
    let images = RandomNumbers(seed: 1, purpose: "bench.images").uniform([batch, 299, 299, 3], in: -1..<1)
    return { _ in _ = network.features(of: images).elements }
  }
}

extension PublishedModel {
  /// Stage 2 at the size of a teacher, both students with its weights, as pytorch_device.py has it.
  /// - Parameter isPerturbed: whether all weights of the students are moved a little, so that none is zero and no gradient is
  ///   nothing but rounding, as they are where the score network is the teacher.
  static func stage2(of teacher: any Teacher, batch: Int, isPerturbed: Bool = false) throws -> Stage2Training {
    var settings = DistillationConfiguration(steps: 1000)
    settings.adaptation = GeneratorAdaptation()
    settings.batch = batch
    settings.noiseLevels = 4
    settings.scoreUpdates = 4
    settings.firstRounds = 0
    settings.loss = .sid
    settings.regressionWeight = 0
    let factory = StudentFactory(teacher: teacher, head: settings.head, adaptation: settings.adaptation, seed: 1)
    let score = try factory.scoreNetwork().parameters
    return try Stage2Training(
      teacher: teacher, stage1: isPerturbed ? Workload.perturbed(score, name: "score") : score.stateDict(),
      start: isPerturbed ? Workload.perturbed(factory.generator().parameters, name: "generator") : nil,
      pairs: TokenSource { throw ValidationError("a cycle takes no pairs") }, configuration: settings,
      monitor: DistillationMonitor(teacher: teacher, scorer: nil, configuration: settings))
  }
}
