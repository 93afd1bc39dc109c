import Artifacts
import Backbone
import DD2Teacher
import Evaluation
import FIDEval
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
      try refuse("extraLayers is -2") { $0.adaptation = GeneratorAdaptation(extraLayers: -2) }
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
      func refuse(_ part: String, _ change: (inout DistillationConfiguration) -> Void) throws {
        var settings = tinySettings(steps: 1)
        change(&settings)
        let record = DistillationRecord(settings: settings, teacher: "teacher.h5", teacherHash: "0")
        let run = try OpenRun(folder + "/run/stage1", settings: record, command: "test").directory
        Self.expectRefusal(of: run.configPath, saying: part) {
          _ = try run.recordedSettings(as: DistillationRecord.self)
        }
        Self.expectRefusal(of: run.configPath, saying: part) { _ = try FinishedStage1(ofRun: folder + "/run") }
      }
      try refuse("checkpointInterval is 0, not 1 or more") { $0.checkpointInterval = 0 }
      try refuse("snapshotInterval is 0, not 1 or more") { $0.snapshotInterval = 0 }
      try refuse("evaluationInterval is -1, not 0 or more") { $0.evaluationInterval = -1 }
      try refuse("batch is 0, not 1 to 65536") { $0.batch = 0 }
      try refuse("pairIntegrationSteps is 0, not 1 or more") { $0.pairIntegrationSteps = 0 }
      try refuse("scoreUpdates is 1025, not 1 to 1024") { $0.scoreUpdates = 1025 }
      try refuse("generatorLearningRate is 0.0, not above 0") { $0.generatorLearningRate = 0 }
      try refuse("emaDecay is 1.0") { $0.emaDecay = 1 }
      try refuse("timeRange is 0.0 to 0.5") { $0.timeRange = 0...0.5 }
      try refuse("temperature is 0.0, not 0.001 or more") { $0.guidance.temperature = 0 }
      try refuse("depth of the head is 1001, not 0 to 1000") { $0.head.depth = 1001 }
      try refuse("noiseGain is -1.0, not 0.0 or more") { $0.adaptation.noiseGain = -1 }
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
    for preset in DistillationPreset.allCases { try preset.configuration(steps: 0).check() }
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
