import NN

/// The trunk of a teacher family with its sizes: what a checkpoint needs to say to rebuild it. A new family adds a
/// case here.
public enum TrunkConfiguration: Codable, Equatable, Sendable {
  /// VAR: next-scale prediction.
  case nextScale(VARConfiguration)
  /// LlamaGen: next-token prediction in raster order.
  case nextToken(LlamaGenConfiguration)

  /// Order and grouping of the tokens.
  public var layout: TokenLayout {
    switch self {
    case .nextScale(let configuration): return configuration.layout
    case .nextToken(let configuration): return configuration.layout
    }
  }

  /// Elements of the keys and values of all tokens of one sequence.
  public var cachedElements: Int {
    switch self {
    case .nextScale(let sizes): return 2 * sizes.depth * sizes.layout.count * sizes.width
    case .nextToken(let sizes): return 2 * sizes.depth * sizes.layout.count * sizes.width
    }
  }

  /// Builds the trunk.
  /// - Parameters:
  ///   - builder: where its parameters are registered.
  ///   - mapState: the tokenizer's fixed part that turns latents into inputs (`quant_resi...` for VAR, the codes for LlamaGen).
  /// - Throws: `StateDictError` where `mapState` does not fit.
  public func makeTrunk(_ builder: ParameterBuilder, mapState: StateDict) throws -> any Trunk {
    switch self {
    case .nextScale(let configuration):
      return VARTrunk(builder, configuration, map: try configuration.makeMap(mapState))
    case .nextToken(let configuration):
      return LlamaGenTrunk(builder, configuration, codes_VD: try configuration.codes(mapState))
    }
  }
}

extension VARConfiguration {
  /// The tokenizer's residual map with fixed weights.
  /// - Throws: `StateDictError` where `state` does not hold exactly its convolutions.
  public func makeMap(_ state: StateDict) throws -> MultiScaleMap {
    let set = ParameterSet()
    let map = MultiScaleMap(
      ParameterBuilder(set, seed: nil), patchSides: patchSides, latentDimension: latentDimension)
    try set.load(state)
    return map
  }
}
