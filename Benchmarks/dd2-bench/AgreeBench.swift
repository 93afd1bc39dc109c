import Agreement
import ArgumentParser
import Foundation
import TensorCore
import XLADevice

extension Family: ExpressibleByArgument {}

/// `dd2-bench agree`: what a device computes against the processors.
struct AgreeBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "agree", abstract: "Compare a device with the processors, element by element.",
    discussion: """
      Every kernel forward and backward, then two steps of stage 1 and two rounds of stage 2 of the bundled teachers, a \
      generator's latents, and images. Prints CSV: the largest difference, and the largest as a part of what is \
      allowed, absolute + relative |expected|. Exit status 1 where that is above 1.
      """)

  @Option(help: "What is compared: xla-cpu, cuda, rocm or tpu.") var device = BenchDevice.cuda
  @Option(help: "The folder of bundled models.") var models = "Models"
  @Option(help: "One family of operations alone, such as products.") var only: Family?

  func run() throws {
    try Backends.start()
    let backend = try device.open(.float32)
    guard backend !== Backends.cpu else { throw ValidationError("--device cpu is what others are compared with") }
    Bench.answer("# \(backend.summary)\nwhat,absolute,relative,largest_difference,share_of_allowed,agrees")
    var failures = 0
    func compare(_ family: String, _ examples: [Example]) {
      for example in examples {
        let allowed = "\(family): \(example.name),\(example.absolute),\(example.relative)"
        do {
          let agreement = try Agreement(of: example, on: backend)
          if agreement.share > 1 { failures += 1 }
          Bench.answer("\(allowed),\(agreement.difference),\(agreement.share),\(agreement.share > 1 ? "NO" : "yes")")
        } catch {
          failures += 1
          Bench.answer("\(allowed),,,NO")
          FileHandle.standardError.write(Data("dd2-bench: \(family): \(example.name): \(error)\n".utf8))
        }
      }
    }
    for family in only.map({ [$0] }) ?? Family.allCases { compare(family.rawValue, family.examples) }
    if only == nil {
      for family in ["var", "llamagen"] { compare("networks", NetworkExamples(family: family, folder: models).all) }
    }
    if failures > 0 { throw ExitCode(1) }
  }
}
