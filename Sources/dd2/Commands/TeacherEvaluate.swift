import ArgumentParser
import Artifacts
import Evaluation
import Foundation
import TeacherModels
import Training

/// `dd2 teacher evaluate`: how likely a teacher finds given tokens.
struct TeacherEvaluate: ComputingCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measure a teacher's likelihood of given tokens.",
    discussion: """
      Example: dd2 teacher evaluate shapes32-var --tokens tokens.h5

      Prints the mean negative log-likelihood of a token, in nats, and the perplexity, its exponential. Each token \
      is judged given the true ones of earlier stages.
      """)

  @Argument(
    help: ArgumentHelp("The teacher file, or the name of a bundled one.", valueName: "name|file"), completion: .file())
  var file: String

  @Option(help: ArgumentHelp("HDF5 with ids (B, L) and labels (B).", valueName: "file"), completion: .file())
  var tokens: String

  @Option(
    parsing: .unconditional,
    help: "Classifier-free guidance in the teacher family's own convention; 0 is none.")
  var cfg: Float = 0

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Also write logits (B, L, V) to this HDF5 file.", valueName: "file"),
    completion: .file())
  var output: String?

  @Flag(help: "Print JSON.")
  var json = false

  private static let logitsName = "logits"

  private struct Outcome: Encodable {
    let meanNll: Double
    /// Nil where it is beyond the numbers' range.
    let perplexity: Double?
    let sequences: Int
    let tokensPerSequence: Int
    let cfg: Float
  }

  @OptionGroup var computing: DeviceOptions

  func validate() throws { try Requirement.guidance(cfg) }

  func run() throws {
    let loaded = try TeacherOptions.load(file)
    let teacher = loaded.teacher
    try Outputs.check(output, option: "-o", as: .logits, inputs: [loaded.path, tokens])
    let set = try TokenFile.read(tokens, for: teacher)
    let interrupts = Interrupts()
    let writer = try output.map { try HDF5Writer(path: $0) }
    defer { writer?.abandon() }
    try writer?.createDataset(
      Self.logitsName, shape: [set.count, teacher.layout.count, teacher.codebook.count])
    let meter = ProgressMeter("evaluating", total: set.count, unit: "sequences")
    defer { meter.close() }
    let result = try TokenLikelihood.measure(set, teacher: teacher, cfg: cfg) { rows, logits in
      try writer?.write(logits.elements, rows: rows, of: Self.logitsName)
      meter.update(rows.upperBound)
      if interrupts.flag.isRaised { meter.close() }
      try interrupts.check("\(rows.upperBound) of \(set.count) sequences")
    }
    guard result.meanNLL.isFinite else {
      throw CommandFailure(.badData, "\(file): the likelihood of \(tokens) is not finite; check the teacher's weights")
    }
    try writer?.finish()
    try show(result)
  }

  private func show(_ result: TokenLikelihood) throws {
    guard !json else {
      return try Console.result(
        json: Outcome(
          meanNll: result.meanNLL, perplexity: result.perplexity.isFinite ? result.perplexity : nil,
          sequences: result.sequences, tokensPerSequence: result.tokensPerSequence, cfg: result.cfg))
    }
    try Console.result(
      TextTable([
        ["mean negative log-likelihood", String(format: "%.7f", result.meanNLL)],
        ["perplexity", String(format: "%.6f", result.perplexity)],
        ["tokens", "\(result.sequences) x \(result.tokensPerSequence)"],
      ]).description)
  }
}
