import Artifacts
import Backbone
import DD2Generator
import DD2Teacher
import Foundation
import NN
import TeacherModels
import Training

/// What a generator file's `config` says.
public struct GeneratorDescription: Codable, Equatable, Sendable {
  /// The denoising head's sizes.
  public var head: DenoisingHeadConfiguration
  /// How it departs from the network of stage 1; nil for not at all.
  public var adaptation: GeneratorAdaptation?
  /// File name of the teacher it was distilled from: its tokenizer decodes the tokens.
  public var teacher: String
  /// SHA-256 of that file.
  public var teacherHash: String
  /// Guidance that the generator has learned.
  public var guidance: Guidance

  package init(
    head: DenoisingHeadConfiguration, adaptation: GeneratorAdaptation?, teacher: String, teacherHash: String,
    guidance: Guidance
  ) {
    self.head = head
    self.adaptation = adaptation
    self.teacher = teacher
    self.teacherHash = teacherHash
    self.guidance = guidance
  }
}

extension GeneratorDescription: CheckedSettings {
  public func check() throws(SettingsError) {
    try head.check()
    try adaptation?.check()
    try guidance.check()
  }
}

/// One-step generators in HDF5: averaged weights under `/ema`.
public enum GeneratorFile {
  /// The checkpoint kind of generator files.
  public static let kind = "generator"

  /// A generator with the file it came from.
  public struct Loaded: Sendable {
    /// The network with averaged weights.
    public let generator: OneStepGenerator
    /// What the file says of itself.
    public let description: GeneratorDescription
  }

  /// Writes a generator.
  /// - Parameter metadata: how it was made: command, seed, settings.
  /// - Throws: `ArtifactError`.
  public static func write(
    _ description: GeneratorDescription, averaged: StateDict, metadata: [String: String], to path: String
  ) throws {
    let file = Checkpoint(
      kind: kind, config: try JSON.text(description), createdBy: DD2Version.description, metadata: metadata)
    try file.write(to: path, adding: ["ema": averaged])
  }

  /// What the file says of itself, without building the network: which teacher it needs.
  /// - Throws: `ArtifactError` where the file is missing, damaged or of another kind.
  public static func describe(_ path: String) throws -> GeneratorDescription {
    try JSON.decode(Checkpoint.load(from: path, expectingKind: kind, groups: []).config, path: path)
  }

  /// Reads a generator, strictly.
  /// - Parameter teacher: the teacher it was distilled from, by hash.
  /// - Throws: `ArtifactError` where the file is missing, damaged, of another kind, made for another teacher or does
  ///   not fit it.
  public static func read(_ path: String, teacher: TeacherFile.Loaded) throws -> Loaded {
    let file = try Checkpoint.load(from: path, expectingKind: kind, groups: ["ema"])
    let description: GeneratorDescription = try JSON.decode(file.config, path: path)
    guard description.teacherHash == teacher.hash else {
      throw ArtifactError.wrongFormat(
        path: path,
        detail: "it was distilled from \(description.teacher) with hash \(description.teacherHash.prefix(12)), "
          + "not from \(teacher.path); pass that teacher with --teacher")
    }
    for (name, array) in file.ema { try array.requireFinite(name, path: path) }
    let factory = StudentFactory(
      teacher: teacher.teacher, head: description.head, adaptation: description.adaptation ?? GeneratorAdaptation(),
      seed: nil)
    return try fitting(path) {
      let generator = try factory.generator()
      try generator.parameters.load(StateDict(file.ema))
      return Loaded(generator: generator, description: description)
    }
  }
}
