import ArgumentParser
import DD2Teacher
import Foundation
import TeacherModels
import Training

/// `dd2 teacher inspect`: what a teacher file holds.
struct TeacherInspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Show a teacher file: family, sizes, parameters, token layout, origin.",
    discussion: "Example: dd2 teacher inspect shapes32-var")

  @Argument(
    help: ArgumentHelp("The teacher file, or the name of a bundled one.", valueName: "name|file"), completion: .file())
  var file: String

  @Flag(help: "Print JSON.")
  var json = false

  private struct Description: Encodable {
    let path: String
    let sha256: String
    let family: String
    let imageSide: Int
    let classCount: Int
    /// Number of weights by part.
    let parameters: [String: Int]
    let tokenCount: Int
    /// Tokens per stage.
    let stages: [Int]
    let vocabulary: Int
    let latentDimension: Int
    let configuration: TeacherConfiguration
    let origin: [String: String]
  }

  func run() throws {
    let loaded = try TeacherOptions.load(file)
    let layout = loaded.teacher.layout
    let codes = loaded.teacher.codebook.vectors_VD.shape
    let description = Description(
      path: loaded.path, sha256: loaded.hash, family: loaded.configuration.family.name,
      imageSide: loaded.teacher.imageSide, classCount: loaded.teacher.classCount,
      parameters: loaded.parameterCounts,
      tokenCount: layout.count, stages: layout.stageLengths, vocabulary: codes[0], latentDimension: codes[1],
      configuration: loaded.configuration, origin: loaded.origin)
    if json { try Console.result(json: description) } else { try Console.result(Self.text(description)) }
  }

  private static func text(_ value: Description) -> String {
    let oneByOne = value.stages.count > 1 && value.stages.allSatisfy { $0 == 1 }
    let stages = oneByOne ? "1 each" : value.stages.map(String.init).joined(separator: " ")
    var rows = [
      ("file", value.path), ("sha256", value.sha256), ("family", value.family),
      ("images", "\(value.imageSide) x \(value.imageSide), \(value.classCount) classes"),
      ("tokens", "\(value.tokenCount) in \(value.stages.count) stages (\(stages))"),
      ("codebook", "\(value.vocabulary) codes of \(value.latentDimension) dimensions"),
    ]
    rows += value.parameters.sorted { $0.key < $1.key }.map { ("\($0.key) parameters", "\($0.value)") }
    // Settings are JSON themselves; they are for --json.
    rows += value.origin.filter { !$0.value.hasPrefix("{") }.sorted { $0.key < $1.key }
    return TextTable(rows.map { [$0.0, $0.1] }).description
  }
}
