import Artifacts
import Backbone
import DD2Teacher
import Evaluation
import FIDEval
import Foundation
import NN
import Sampling
import TeacherModels
import TestModels
import TestSupport
import Testing
import Training

@testable import Distillation

/// Files that claim what nothing can be built or run with end in an error that names the setting.
@Suite("Settings in files") struct SettingsCheckTests {
  private static func expectRefusal(of path: String, saying part: String, _ body: () throws -> Void) {
    let error = #expect(throws: ArtifactError.self, "\(part)") { try body() }
    let line = error?.description ?? "taken"
    #expect(line.hasPrefix("\(path): \(part)") && !line.contains("\n"), "\(line)")
    #expect(error?.exitCode == 65)
  }

  private static func expectRefusal(ofTeacher configuration: TeacherConfiguration, saying part: String) throws {
    try withTemporaryFolder { folder in
      let path = folder + "/teacher.h5"
      try TeacherFile.write(configuration, transformer: StateDict(), tokenizer: StateDict(), metadata: [:], to: path)
      Self.expectRefusal(of: path, saying: part) { _ = try TeacherFile.read(path) }
    }
  }

  @Test func ofVAR() throws {
    guard case .nextScale(let transformer, let tokenizer) = TinyTeacher.nextScale.configuration else {
      Issue.record("the tiny VAR is of another family")
      return
    }
    func refuse(_ part: String, _ change: (inout VARConfiguration, inout VQVAEConfiguration) -> Void) throws {
      var (sizes, pixels) = (transformer, tokenizer)
      change(&sizes, &pixels)
      try Self.expectRefusal(ofTeacher: .nextScale(transformer: sizes, tokenizer: pixels), saying: part)
    }
    try refuse("heads is 0, which does not divide 16") { sizes, _ in sizes.heads = 0 }
    try refuse("width is 1099511627776, not 1 to 16384") { sizes, _ in sizes.width = 1 << 40 }
    try refuse("depth is -1, not 1 to 1000") { sizes, _ in sizes.depth = -1 }
    try refuse("classCount is 0, not 1 to 1048576") { sizes, _ in sizes.classCount = 0 }
    try refuse("feedForwardRatio is 0, not 1 to 64") { sizes, _ in sizes.feedForwardRatio = 0 }
    try refuse("patchSides is empty") { sizes, pixels in (sizes.patchSides, pixels.patchSides) = ([], []) }
    try refuse("a side in patchSides is 0") { sizes, _ in sizes.patchSides[0] = 0 }
    try refuse("patchSides is [1, 2, 4] in the transformer and [1, 2] in the tokenizer") { _, pixels in
      pixels.patchSides = [1, 2]
    }
    try refuse("vocabulary is 12 in the transformer and 13") { _, pixels in pixels.vocabulary = 13 }
    try refuse("latentDimension is 5 in the transformer and 4") { sizes, _ in sizes.latentDimension = 5 }
    try refuse("the number of elements of the largest weight is 17179869184") { sizes, _ in
      (sizes.width, sizes.vocabulary) = (1 << 14, 1 << 20)
    }
    try refuse("the length of channelMultipliers is 0") { _, pixels in pixels.channelMultipliers = [] }
    try refuse("one of channelMultipliers is -1") { _, pixels in pixels.channelMultipliers[1] = -1 }
    try refuse("residualBlocks is -2") { _, pixels in pixels.residualBlocks = -2 }
    try refuse("normGroups is 3, which does not divide 8") { _, pixels in pixels.normGroups = 3 }
  }

  @Test func ofLlamaGen() throws {
    guard case .nextToken(let transformer, let tokenizer) = TinyTeacher.nextToken.configuration else {
      Issue.record("the tiny LlamaGen is of another family")
      return
    }
    func refuse(_ part: String, _ change: (inout LlamaGenConfiguration, inout VQConfiguration) -> Void) throws {
      var (sizes, pixels) = (transformer, tokenizer)
      change(&sizes, &pixels)
      try Self.expectRefusal(ofTeacher: .nextToken(transformer: sizes, tokenizer: pixels), saying: part)
    }
    try refuse("heads is -2, which does not divide 16") { sizes, _ in sizes.heads = -2 }
    try refuse("heads is 8, which makes heads of width 2") { sizes, _ in sizes.heads = 8 }
    try refuse("side is 4294967296, not 2 to 128") { sizes, _ in sizes.side = 1 << 32 }
    try refuse("vocabulary is 0, not 1 to 1048576") { sizes, _ in sizes.vocabulary = 0 }
    try refuse("latentDimension is 4 in the transformer and 8") { _, pixels in pixels.latentDimension = 8 }
    try refuse("the number of latent channels is 0") { _, pixels in pixels.latentChannels = 0 }
    try refuse("channels is 0, not 1 to 16384") { _, pixels in pixels.channels = 0 }
  }

  @Test func ofGenerators() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextToken.load(in: folder)
      let path = folder + "/generator.h5"
      func refuse(_ part: String, _ change: (inout GeneratorDescription) -> Void) throws {
        var description = GeneratorDescription(
          head: DenoisingHeadConfiguration(width: 16, depth: 1), adaptation: GeneratorAdaptation(),
          teacher: "teacher.h5", teacherHash: teacher.hash, guidance: Guidance())
        change(&description)
        try GeneratorFile.write(description, averaged: StateDict(), metadata: [:], to: path)
        Self.expectRefusal(of: path, saying: part) { _ = try GeneratorFile.read(path, teacher: teacher) }
        Self.expectRefusal(of: path, saying: part) { _ = try GeneratorFile.describe(path) }
      }
      try refuse("depth of the head is -1, not 0 to 1000") { $0.head.depth = -1 }
      try refuse("width of the head is 0, not 1 to 65536") { $0.head.width = 0 }
      try refuse("parts is 0, not 1 or more") { $0.adaptation = GeneratorAdaptation(parts: 0) }
      try refuse("temperature is 0.0, not 0.001 or more") { $0.guidance.temperature = 0 }
      try refuse("topP is 0.0, not above 0 and at most 1") { $0.guidance.topP = 0 }
      try refuse("topK is -1") { $0.guidance.topK = -1 }
    }
  }

  @Test func ofFeatureNetworks() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/features.h5"
      func refuse(_ part: String, _ change: (inout ShapesFeatureNetConfiguration) -> Void) throws {
        var sizes = ShapesFeatureNetConfiguration()
        change(&sizes)
        var file = Checkpoint(kind: FeatureNetFile.kind, config: try JSON.text(sizes), createdBy: "test")
        file.parameters = [:]
        try file.write(to: path)
        Self.expectRefusal(of: path, saying: part) { _ = try FeatureNetFile.read(path) }
      }
      try refuse("channels has 5 entries where strides has 2") { $0.strides = [1, 2] }
      try refuse("one of channels is 4611686018427387904") { $0.channels[1] = 1 << 62 }
      try refuse("one of strides is 0") { $0.strides[4] = 0 }
      try refuse("groups is 0, which does not divide 32") { $0.groups = 0 }
      try refuse("classCount is -1") { $0.classCount = -1 }
    }
  }

  @Test func ofDistillations() throws {
    try withTemporaryFolder { folder in
      let run = try OpenRun(
        folder + "/run", settings: DistillationRecord(tinySettings(steps: 1), teacher: .init(path: "t", hash: "0")),
        command: "test"
      ).directory
      let sound = String(decoding: try bytes(run.configPath), as: UTF8.self)
      func refuse(_ part: String, _ old: String, _ new: String) throws {
        #expect(sound.contains(old))
        try Data(sound.replacing(old, with: new).utf8).write(to: URL(fileURLWithPath: run.configPath))
        let error = #expect(throws: ArtifactError.self, "\(part)") {
          _ = try run.recordedSettings(as: DistillationRecord.self)
        }
        let line = error?.description ?? "taken"
        #expect(line.hasPrefix(run.configPath) && line.contains(part) && !line.contains("\n"), "\(line)")
      }
      try refuse("batch is 0; give 1 to 65536", "\"batch\" : 4", "\"batch\" : 0")
      try refuse("output.checkpoint_every is 0; give 1 or more", "\"checkpoint_every\" : 2", "\"checkpoint_every\" : 0")
      try refuse("batch is 'many'; give a whole number", "\"batch\" : 4", "\"batch\" : \"many\"")
      try refuse("no setting 'btch'; did you mean 'batch'?", "\"batch\" : 4", "\"btch\" : 4")
      try refuse("stage2.min_time is 0.98", "\"min_time\" : 0.3", "\"min_time\" : 0.98")
    }
  }

  /// Each setting alone: the values at the ends of its range are taken, those outside are not.
  @Test func ofEachSetting() {
    for (path, good, bad) in [
      ("stage2.score_updates", ["1", "1024"], ["0", "1025", "1.5"]), ("average.decay", ["0", "0.999"], ["1", "-0.1"]),
      ("guidance.top_p", ["1", "0.01"], ["0", "1.1", "nan"]), ("stage2.alpha", ["0", "1e3"], ["-1", "inf"]),
      ("stage1.learning_rate", ["2e-4"], ["0", "-1"]), ("method", ["dd1", "dd2"], ["dd3", ""]),
      ("seed", ["18446744073709551615"], ["-1", "18446744073709551616"]), ("start", ["null", "a b.h5"], []),
      ("fid.every", ["0"], ["-1"]), ("head.estimate", ["linear"], ["Linear"]),
    ] {
      for text in good {
        var settings = DistillationConfiguration()
        #expect(throws: Never.self, "\(path) \(text)") { try settings.set(path, to: text) }
        let found = settings.texts.first { $0.path == path }?.text
        #expect(found == text || Float(found ?? "") == Float(text), "\(path) \(text)")
      }
      for text in bad {
        var settings = DistillationConfiguration()
        #expect(throws: SettingsError.self, "\(path) \(text)") { try settings.set(path, to: text) }
        #expect(settings == DistillationConfiguration())
      }
    }
  }

  /// Every setting has a name of its own, a default within its range, and comes back from JSON and YAML as it was.
  @Test(arguments: DistillationPreset.allCases) func settingsComeBackFromFiles(_ preset: DistillationPreset) throws {
    try withTemporaryFolder { folder in
      let keys = DistillationConfiguration.keys
      #expect(Set(keys.map(\.path)).count == keys.count && keys.count > 40)
      for key in keys where key.initialValue.settingText != "null" {
        #expect(throws: Never.self, "\(key.path)") {
          try key.value(key.initialValue.settingText, named: key.path)
        }
      }
      var settings = preset.configuration
      settings.start = "a \"strange\" name: # .h5"
      settings.seed = .max
      let text = try JSON.text(settings)
      #expect(try JSON.decode(text, path: "t") as DistillationConfiguration == settings)
      for text in [text, settings.yaml(title: "test")] {
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/settings"))
        var read = DistillationConfiguration()
        for (path, text) in try SettingTree(file: folder + "/settings").settings { try read.set(path, to: text) }
        #expect(read == settings)
      }
    }
  }

  @Test func ofTrainings() throws {
    try withTemporaryFolder { folder in
      var teacher = TeacherTrainingConfiguration()
      teacher.transformer.batch = 0
      let begun = try OpenRun(folder + "/perceptual", settings: teacher, command: "test").directory
      Self.expectRefusal(of: begun.configPath, saying: "batch is 0, not 1 to 65536") {
        _ = try TeacherPipeline.recorded(in: folder)
      }
      var features = FeatureNetTrainingConfiguration()
      features.network.groups = 5
      let run = try OpenRun(folder + "/features", settings: features, command: "test").directory
      Self.expectRefusal(of: run.configPath, saying: "groups is 5, which does not divide 32") {
        _ = try FeatureNetPipeline.recorded(in: folder)
      }
    }
  }

  @Test func numbersThatAreNoneAreOutOfRange() {
    for (guidance, line) in [
      (Guidance(cfg: .nan), "cfg is nan, not 0.0 to 1000.0"),
      (Guidance(temperature: .nan), "temperature is nan, not 0.001 or more"),
      (Guidance(topP: .nan), "topP is nan, not above 0 and at most 1"),
    ] {
      #expect(throws: SettingsError(line)) { try guidance.check() }
    }
    #expect(throws: SettingsError("noiseGain is inf, not 0.0 or more")) {
      try GeneratorAdaptation(noiseGain: .infinity).check()
    }
  }

  @Test func soundOnesPass() throws {
    for preset in DistillationPreset.allCases { try preset.configuration.check() }
    for sizes in VARConfiguration.presets.values {
      try TeacherConfiguration.nextScale(
        transformer: sizes, tokenizer: VQVAEConfiguration(patchSides: sizes.patchSides)
      ).check()
    }
    for sizes in LlamaGenConfiguration.presets.values {
      try TeacherConfiguration.nextToken(transformer: sizes, tokenizer: VQConfiguration()).check()
    }
    try TeacherTrainingConfiguration(teacher: .shapes32).check()
    try TeacherTrainingConfiguration(teacher: .shapes32LlamaGen).check()
    try FeatureNetTrainingConfiguration().check()
  }
}
