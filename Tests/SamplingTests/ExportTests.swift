import Artifacts
import Backbone
import DD2Generator
import Foundation
import TensorCore
import TestModels
import TestSupport
import Testing

@testable import Sampling

@Suite("Export") struct ExportTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func student(_ family: TinyTeacher) throws -> ExportedStudent {
    try .random(family.configuration, adaptation: .init(noiseGain: 0.5, parts: 2), in: folder.path)
  }

  private func expect(_ file: WeightsFile, _ name: String, equals tensor: Tensor?) throws {
    let array = try file.array(name)
    #expect(array.shape == tensor?.shape.dimensions && array.floats == tensor?.elements, "\(name)")
  }

  /// Every weight of the teacher's transformer is in the file under its own name, with the elements that the generator
  /// has in its place, and so for the second part; what is left is the generator's own.
  @Test(arguments: TinyTeacher.allCases, WeightsFormat.allCases)
  func weightsHaveTheReferencesNames(_ family: TinyTeacher, _ format: WeightsFormat) throws {
    let student = try student(family)
    try student.export.write(to: folder.file("out"), format: format) { _, _ in }
    let file = try WeightsFile.open(folder.file("out/generator.\(format.fileExtension)"))
    let parameters = student.generator.generator.parameters.current
    let teacher = try student.teacher.weights()
    var left = Set(file.entries.map(\.name))
    #expect(left.count == parameters.entries.count)
    let classifier = family == .nextScale ? "head." : "output."
    for name in teacher.removingPrefix("transformer").shapes.keys {
      for part in ["", "parts.1."] {
        let own = name.hasPrefix(classifier) ? "head.classifier.\(name.dropFirst(classifier.count))" : "trunk.\(name)"
        try expect(file, part + name, equals: parameters[part + own])
        left.remove(part + name)
      }
    }
    for name in left {
      let plain = name.hasPrefix("parts.1.") ? String(name.dropFirst("parts.1.".count)) : name
      let part = name.dropLast(plain.count)
      let own =
        switch plain {
        case "latent_projection.weight": "trunk.latent_projection.weight"
        case "output.bias": "head.classifier.bias"
        case _ where plain.hasPrefix("denoising_head."): "head." + plain.dropFirst("denoising_head.".count)
        default: plain
        }
      try expect(file, name, equals: parameters[part + own])
    }
  }

  @Test(arguments: TinyTeacher.allCases, WeightsFormat.allCases)
  func theTokenizerKeepsAllButItsEncoder(_ family: TinyTeacher, _ format: WeightsFormat) throws {
    let student = try student(family)
    try student.export.write(to: folder.file("out"), format: format) { _, _ in }
    let file = try WeightsFile.open(folder.file("out/tokenizer.\(format.fileExtension)"))
    let tokenizer = try student.teacher.weights().removingPrefix("tokenizer")
    let expected = tokenizer.shapes.keys.filter { !$0.hasPrefix("encoder.") && !$0.hasPrefix("quant_conv.") }
    #expect(Set(file.entries.map(\.name)) == Set(expected) && !expected.isEmpty)
    for name in expected { try expect(file, name, equals: try tokenizer.read(name)) }
  }

  /// Another format's files of an earlier export would be taken for the new ones; what else lies there stays.
  @Test func anEarlierExportIsReplaced() throws {
    let (student, out) = (try student(.nextToken), folder.file("out"))
    try student.export.write(to: out, format: .pytorch) { _, _ in }
    _ = try folder.write(Data("image".utf8), "out/image.png")
    try student.export.write(to: out, format: .safetensors) { _, _ in }
    #expect(
      try Set(FileAccess.names(in: out))
        == ["config.json", "generator.py", "generator.safetensors", "tokenizer.safetensors", "image.png"])
  }

  @Test func aFolderOfOtherFilesIsRefused() throws {
    let student = try student(.nextToken)
    for (name, text) in [("notes.txt", "mine"), ("config.json", #"{"format": "dd2"}"#)] {
      let other = try folder.makeFolder("of-\(name)")
      _ = try folder.write(Data(text.utf8), "of-\(name)/\(name)")
      #expect {
        try student.export.write(to: other, format: .pytorch) { _, _ in }
      } throws: {
        guard case ArtifactError.cannotCreate(other, let detail) = $0 else { return false }
        return detail.contains(name)
      }
      #expect(try FileAccess.names(in: other) == [name])
    }
  }

  /// What is interrupted leaves no weights of before beside sizes of now, and can be done again.
  @Test func anInterruptedExportLeavesNoMixture() throws {
    struct Interruption: Error {}
    let (student, out) = (try student(.nextScale), folder.file("out"))
    try student.export.write(to: out, format: .pytorch) { _, _ in }
    #expect(throws: Interruption.self) {
      try student.export.write(to: out, format: .pytorch) { done, total in
        if done == total { throw Interruption() }
      }
    }
    #expect(try Set(FileAccess.names(in: out)) == ["config.json", "generator.py", "tokenizer.pt"])
    try student.export.write(to: out, format: .pytorch) { _, _ in }
    #expect(FileAccess.exists(out + "/generator.pt"))
  }
}

/// Exported generators in PyTorch: the same tokens from the same noise, element by element.
@Suite("Exported generators in PyTorch", .enabled(if: Python.has("torch"), "python3 has no torch"))
struct ExportedGeneratorTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Tokens that the exported file draws.
  private func tokens(_ student: ExportedStudent, labels: [Int32], seed: UInt64, format: WeightsFormat) throws
    -> [Int32]
  {
    try student.export.write(to: folder.file("out"), format: format) { _, _ in }
    let program = """
      import torch
      from generator import Generator
      generator, labels = Generator.load(), torch.tensor(\(labels))
      print(*generator.tokens(labels, generator.noise(range(len(labels)), seed=\(seed))).flatten().tolist())
      """
    let ran = try Python.run(["-c", program], in: folder.file("out"))
    try #require(ran.status == 0, "\(ran.output)")
    return ran.output.split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }
  }

  @Test(arguments: [("var", WeightsFormat.pytorch), ("llamagen", .safetensors)])
  func drawsWhatDD2Draws(_ family: String, _ format: WeightsFormat) throws {
    let student = try ExportedStudent.bundled(family)
    let labels = (0..<20).map { Int32($0 % 10) }
    let drawn = try tokens(student, labels: labels, seed: 1 << 40 + 7, format: format)
    #expect(drawn == (try student.tokens(labels: labels, seed: 1 << 40 + 7)))
  }

  /// Forms that the bundled ones do not have: parts, no gain, the linear head, shared modulation, attention that is not
  /// normalised, ten scales.
  @Test(arguments: ["parts", "plain", "linear"], TinyTeacher.allCases)
  func drawsWhatDD2DrawsInOtherForms(_ form: String, _ family: TinyTeacher) throws {
    var sizes = family.configuration
    if form != "parts", case .nextScale(var transformer, var tokenizer) = sizes {
      (transformer.sharesAdaLN, transformer.normalizesAttention) = (form == "plain", form == "linear")
      transformer.patchSides = [1, 2, 3, 4, 5, 6, 8, 10, 13, 16]
      tokenizer.patchSides = transformer.patchSides
      sizes = .nextScale(transformer: transformer, tokenizer: tokenizer)
    }
    let student = try ExportedStudent.random(
      sizes, head: .init(estimate: form == "linear" ? .linear : .posterior, width: 16, depth: 1),
      adaptation: .init(noiseGain: form == "plain" ? 0 : 0.5, parts: form == "parts" ? 3 : 1), in: folder.path)
    let drawn = try tokens(student, labels: [3, 9, 0], seed: 5, format: .safetensors)
    #expect(Set(drawn).count > 5)
    #expect(drawn == (try student.tokens(labels: [3, 9, 0], seed: 5)))
  }
}
