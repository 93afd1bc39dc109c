import Backbone
import DD2Teacher
import NN

/// What a DD1 generator file's `config` says.
public struct DD1Configuration: Codable, Equatable, Sendable {
  /// Sizes of the network's transformer, and of the tokenizer whose decoder makes images.
  public var sizes: TeacherConfiguration
  /// Tokens of the stages before this one are codes, chosen by the logits; those from it on stay predicted vectors.
  public var split: Int
  /// The first stage that the second call of two draws anew.
  public var second: Int

  package init(sizes: TeacherConfiguration, split: Int, second: Int) {
    self.sizes = sizes
    self.split = split
    self.second = second
  }

  /// `split` and `second` of the published models, which no file says (`VAR/README.md` and `LlamaGen/README.md` of the
  /// reference); nil for another size.
  static func published(_ sizes: TeacherConfiguration) -> (split: Int, second: Int)? {
    switch sizes {
    case .nextScale(let transformer, _): [16: (5, 5), 20: (4, 4), 24: (4, 4)][transformer.depth]
    case .nextToken(let transformer, _): [12: (80, 80), 24: (130, 80)][transformer.depth]
    }
  }
}

extension TeacherConfiguration {
  /// DD1's network of these sizes, its weights unset.
  func makeDD1Network() -> any DD1Network {
    switch self {
    case .nextScale(let transformer, _): VARDD1Network(transformer, seed: nil)
    case .nextToken(let transformer, _): LlamaGenDD1Network(transformer, seed: nil)
    }
  }
}

extension DD1Configuration: CheckedSettings {
  public func check() throws(SettingsError) {
    try sizes.check()
    let stages = 0...(sizes.family.layout.stageLengths.count - 1)
    try Setting.within(stages, split, "split")
    try Setting.within(stages, second, "second")
  }
}
