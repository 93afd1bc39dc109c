import Artifacts
import Backbone
import DD2Generator
import DD2Teacher
import Foundation
import NN
import TeacherModels
import Training

/// A generator for PyTorch: a folder with the weights of the network and of its teacher's decoder, their sizes, and one
/// Python file that draws images with them, the very images that dd2 draws.
///
/// Weights have the names of the reference's state dictionaries, in two files as there: the transformer's, with what the
/// generator adds under `denoising_head.`, `own_noise.` and `noise_gain.` and the parts after the first under `parts.1.`
/// and so on; the tokenizer's without its encoder.
public struct GeneratorExport {
  /// The description of the sizes, which marks a folder as an export.
  public static let configName = "config.json"
  private static let programName = "generator.py"
  private static let formatName = "dd2-export"

  private let generator: GeneratorFile.Loaded
  private let hash: String
  private let teacher: TeacherFile.Loaded

  /// - Parameters:
  ///   - hash: SHA-256 of the generator's file.
  ///   - teacher: the one it was distilled from.
  public init(_ generator: GeneratorFile.Loaded, hash: String, teacher: TeacherFile.Loaded) {
    self.generator = generator
    self.hash = hash
    self.teacher = teacher
  }

  /// Writes the folder; the weights of an earlier export in it are removed before, so that no two exports mix.
  /// - Parameter progress: called with the numbers of weights done and of all.
  /// - Throws: `ArtifactError`, also `.cannotCreate` where the folder holds files and no earlier export, and `.inUse`
  ///   where another process writes there; what `progress` throws.
  public func write(
    to folder: String, format: WeightsFormat, progress: (_ done: Int, _ total: Int) throws -> Void
  ) throws {
    let lock = try WriterLock(folder: folder)
    defer { withExtendedLifetime(lock) {} }
    try Self.requireOwn(folder)
    func path(_ name: String) -> String { "\(folder)/\(name)" }
    func weights(_ part: String, _ format: WeightsFormat) -> String { path("\(part).\(format.fileExtension)") }
    let old = WeightsFormat.allCases.flatMap { format in ["generator", "tokenizer"].map { weights($0, format) } }
    for name in [path(Self.configName), path(Self.programName)] + old { try AtomicFile.requirePlace(for: name) }
    for name in old where FileAccess.exists(name) { try FileAccess.remove(name) }
    try AtomicFile.write(try description(format), to: path(Self.configName))
    try AtomicFile.write(Data(program.utf8), to: path(Self.programName))

    let network = generator.generator.parameters.current.entries
    let source = try teacher.weights().removingPrefix("tokenizer")
    let decoder = source.shapes.filter { Self.isOfDecoder($0.key) }
    var done = 0
    func counted(_ elements: [Float]) throws -> [Float] {
      done += 1
      try progress(done, network.count + decoder.count)
      return elements
    }
    try WeightsWriter.write(
      decoder.mapValues(\.dimensions), format: format, to: weights("tokenizer", format)
    ) { try counted(try source.read($0).elements) }
    let renamed = Dictionary(uniqueKeysWithValues: network.map { (name(ofParameter: $0.key), $0.value) })
    try WeightsWriter.write(
      renamed.mapValues(\.shape.dimensions), format: format, to: weights("generator", format)
    ) { name in
      guard let tensor = renamed[name] else { preconditionFailure("GeneratorExport: no \(name)") }
      return try counted(tensor.elements)
    }
  }

  /// The name outside of dd2 of a generator's parameter.
  func name(ofParameter path: String) -> String {
    if let part = path.firstMatch(of: /^parts\.\d+\./) {
      return part.output + name(ofParameter: String(path[part.range.upperBound...]))
    }
    let classifier = "head.\(DenoisingHead.classifierName)."
    for (inside, outside) in [
      ("trunk.", ""), (classifier, teacher.configuration.family.classifierName + "."), ("head.", "denoising_head."),
    ] where path.hasPrefix(inside) {
      return outside + path.dropFirst(inside.count)
    }
    return path
  }

  /// Whether drawing takes a weight of the tokenizer.
  private static func isOfDecoder(_ name: String) -> Bool {
    !name.hasPrefix("encoder.") && !name.hasPrefix("quant_conv.")
  }

  /// - Throws: `ArtifactError.cannotCreate` unless the folder is empty or holds an earlier export.
  private static func requireOwn(_ folder: String) throws {
    struct Mark: Decodable { let format: String }
    let path = "\(folder)/\(configName)"
    if FileAccess.exists(path) {
      let mark = try? JSONDecoder().decode(Mark.self, from: FileAccess.contents(of: path))
      guard mark?.format != formatName else { return }
    }
    guard let other = try FileAccess.names(in: folder).first(where: { !$0.hasPrefix(".") }) else { return }
    throw ArtifactError.cannotCreate(
      path: folder, detail: "it holds \(other) and no earlier export; choose another folder, or empty it")
  }

  private struct Description<Transformer: Encodable, Tokenizer: Encodable>: Encodable {
    let format = GeneratorExport.formatName
    let family: String
    let weights: String
    let imageSide: Int
    let transformer: Transformer
    let tokenizer: Tokenizer
    let head: DenoisingHeadConfiguration
    let hasNoiseGain: Bool
    /// First position and end of what each part draws.
    let parts: [[Int]]
    /// What codes are divided by to match noise of unit variance.
    let latentScale: Float
    let guidance: Guidance
    let generatorSha256: String
    let teacherSha256: String
    let createdBy: String
  }

  private func description(_ format: WeightsFormat) throws -> Data {
    func json(_ transformer: some Encodable, _ tokenizer: some Encodable) throws -> Data {
      let (network, description) = (generator.generator, generator.description)
      let parts = try network.layout.parts(network.partCount)
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      encoder.keyEncodingStrategy = .convertToSnakeCase
      return try encoder.encode(
        Description(
          family: teacher.configuration.family.name, weights: format.fileExtension,
          imageSide: teacher.configuration.family.imageSide, transformer: transformer, tokenizer: tokenizer,
          head: description.head, hasNoiseGain: network.parameters.current["noise_gain.weight"] != nil,
          parts: parts.map { [$0.lowerBound, $0.upperBound] }, latentScale: teacher.teacher.codebook.scale,
          guidance: description.guidance, generatorSha256: hash, teacherSha256: teacher.hash,
          createdBy: DD2Version.description))
    }
    return switch teacher.configuration {
    case .nextScale(let transformer, let tokenizer): try json(transformer, tokenizer)
    case .nextToken(let transformer, let tokenizer): try json(transformer, tokenizer)
    }
  }

  /// The Python file: what both families share, with the family's own classes where it imports them.
  private var program: String {
    let (shared, own) =
      switch teacher.configuration {
      case .nextScale: (PackageResources.shared_py, PackageResources.var_py)
      case .nextToken: (PackageResources.shared_py, PackageResources.llamagen_py)
      }
    let classes = String(decoding: own, as: UTF8.self).split(separator: "\n\n\n", maxSplits: 1)[1]
    return String(decoding: shared, as: UTF8.self).replacing("from family import *\n", with: "\n" + classes)
  }
}
