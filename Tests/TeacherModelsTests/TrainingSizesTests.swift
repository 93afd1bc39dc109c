import Backbone
import DD2Teacher
import NN
import TeacherModels
import Testing

@Suite("Sizes of a teacher to train") struct TrainingSizesTests {
  /// The sizes of the bundled teachers.
  @Test func theDefaults() {
    let scales = [1, 2, 3, 4, 6, 8]
    #expect(
      TrainingSizes.nextScale.configuration(classCount: 10)
        == .nextScale(
          transformer: VARConfiguration(
            depth: 6, width: 160, heads: 5, classCount: 10, patchSides: scales, latentDimension: 8, vocabulary: 256),
          tokenizer: VQVAEConfiguration(
            channels: 32, channelMultipliers: [1, 1, 2], residualBlocks: 1, normGroups: 8, latentDimension: 8,
            vocabulary: 256, patchSides: scales)))
    #expect(
      TrainingSizes.nextToken.configuration(classCount: 10)
        == .nextToken(
          transformer: LlamaGenConfiguration(depth: 4, width: 192, heads: 6, classCount: 10, side: 8, vocabulary: 256),
          tokenizer: VQConfiguration(
            channels: 32, channelMultipliers: [1, 1, 2], residualBlocks: 1, normGroups: 8, latentChannels: 32,
            vocabulary: 256)))
  }

  @Test(arguments: [
    (32, 32, [1]), (32, 16, [1, 1]), (64, 8, [1, 1, 2, 2]), (48, 3, [1, 1, 2, 2, 4]), (8, 2, [1, 1, 2]),
    (1024, 8, [1, 1, 2, 2, 4, 4, 4, 4]),
  ])
  func levelsFollowFromSideAndGrid(side: Int, grid: Int, multipliers: [Int]) throws {
    for (usual, tokens) in [
      (TrainingSizes.nextScale, TrainingSizes.Tokens.scales([1, grid])), (.nextToken, .grid(grid)),
    ] {
      var sizes = usual
      (sizes.side, sizes.tokens, sizes.codebook, sizes.width, sizes.depth) = (side, tokens, 64, 96, 2)
      try sizes.check()
      let teacher = sizes.configuration(classCount: 3)
      #expect((teacher.family.imageSide, teacher.family.classCount) == (side, 3))
      switch teacher {
      case .nextScale(let transformer, let tokenizer):
        #expect(tokenizer.channelMultipliers == multipliers && tokenizer.vocabulary == 64)
        #expect(transformer.patchSides == [1, grid] && transformer.heads == 3 && transformer.depth == 2)
      case .nextToken(let transformer, let tokenizer):
        #expect(tokenizer.channelMultipliers == multipliers && tokenizer.vocabulary == 64)
        #expect(transformer.side == grid && transformer.heads == 3 && transformer.depth == 2)
      }
      #expect(TrainingSizes(of: teacher) == sizes)
    }
  }

  /// A transformer of other sizes over a published tokenizer leaves the tokenizer as it is.
  @Test func aTokenizerOfAnotherSizeIsKept() throws {
    for (teacher, usual) in [
      (
        TeacherConfiguration.nextScale(
          transformer: VARConfiguration(depth: 16, width: 1024, heads: 16), tokenizer: VQVAEConfiguration()),
        TrainingSizes.nextScale
      ),
      (
        .nextToken(
          transformer: LlamaGenConfiguration(depth: 12, width: 768, heads: 12), tokenizer: VQConfiguration()),
        .nextToken
      ),
    ] {
      let other = usual.configuration(over: teacher, classCount: 7)
      try other.check()
      let (before, after) = (TrainingSizes(of: teacher), TrainingSizes(of: other))
      #expect((after.side, after.tokens, after.codebook) == (256, before.tokens, before.codebook))
      #expect((after.width, after.depth, other.family.classCount) == (usual.width, usual.depth, 7))
      switch (teacher, other) {
      case (.nextScale(_, let before), .nextScale(_, let after)): #expect(before == after)
      case (.nextToken(_, let before), .nextToken(_, let after)): #expect(before == after)
      default: Issue.record("another family")
      }
    }
  }

  @Test func whatDoesNotFitIsRefused() {
    func refuses(_ usual: TrainingSizes, saying line: String, _ change: (inout TrainingSizes) -> Void) {
      var sizes = usual
      change(&sizes)
      #expect(throws: SettingsError(line)) { try sizes.check() }
    }
    let fitting = "that times a power of two up to 128; fitting"
    refuses(
      .nextScale, saying: "the last of --scales is 8, and --side 48 is not \(fitting): 3, 6, 12, 24, 48"
    ) { $0.side = 48 }
    refuses(.nextScale, saying: "the last of --scales is 64, and --side 32 is not \(fitting): 1, 2, 4, 8, 16, 32") {
      $0.tokens = .scales([1, 64])
    }
    refuses(.nextToken, saying: "--grid is 1, and --side 32 is not \(fitting): 2, 4, 8, 16, 32") {
      $0.tokens = .grid(1)
    }
    refuses(.nextToken, saying: "--grid is 0, and --side 33 is not \(fitting): 33") {
      ($0.side, $0.tokens) = (33, .grid(0))
    }
    for scales in [[2, 1], [1, 1, 8], [0, 8], [-1, 8], []] {
      let text = TrainingSizes.text(scales)
      refuses(.nextScale, saying: "--scales is \(text); give rising numbers above 0, such as 1,2,4,8") {
        $0.tokens = .scales(scales)
      }
    }
    refuses(.nextScale, saying: "--side is 4, not 8 to 1024") { $0.side = 4 }
    refuses(.nextScale, saying: "--codebook is 0, not 1 to 1048576") { $0.codebook = 0 }
    refuses(.nextScale, saying: "--width is 16, no multiple of 32; give 32") { $0.width = 16 }
    refuses(.nextToken, saying: "--width is 200, no multiple of 32; give 192 or 224") { $0.width = 200 }
    refuses(.nextToken, saying: "--width is 1000000, not 1 to 16384") { $0.width = 1_000_000 }
    refuses(.nextScale, saying: "--depth is 0, not 1 to 1000") { $0.depth = 0 }
    refuses(.nextScale, saying: "the number of elements of the largest weight is 17179869184, not 1 to 1073741824") {
      ($0.codebook, $0.width) = (1 << 20, 1 << 14)
    }
  }
}
