import Datasets
import Processes
import TensorCore

/// A set of images as token sequences with their labels.
public struct TokenSet: Sendable {
  /// (N, L)
  public private(set) var ids: IndexArray
  /// N class labels.
  public private(set) var labels: [Int32]

  /// Tokens with their labels.
  public init(ids: IndexArray, labels: [Int32]) {
    precondition(ids.shape.rank == 2 && ids.shape[0] == labels.count, "TokenSet: ids \(ids.shape)")
    self.ids = ids
    self.labels = labels
  }

  /// Number of sequences.
  public var count: Int { labels.count }

  /// The sequences at the given positions, copied to the backend: ids (B, L) and B labels.
  public func batch(_ indices: [Int]) -> (ids: IndexTensor, labels: IndexTensor) {
    (IndexTensor(ids.rows(indices)), IndexTensor(indices.map { labels[$0] }))
  }

  /// The sequences at the given positions, each replica's own: those of this process's replicas, one replica after the
  /// other. Ids (B, L) and B labels in each.
  package func batch(perReplica indices: [Int]) -> (ids: IndexTensor, labels: IndexTensor) {
    let rows = ids.rows(indices)
    let count = indices.count / Backends.current.replicas.here.count
    return (
      IndexTensor(perReplica: rows.values, [count, rows.shape[1]]),
      IndexTensor(perReplica: indices.map { labels[$0] })
    )
  }

  /// The sequences at the given positions.
  package func rows(_ indices: [Int]) -> TokenSet {
    TokenSet(ids: ids.rows(indices), labels: indices.map { labels[$0] })
  }

  /// Adds sequences of the same length behind these.
  package mutating func append(_ other: TokenSet) {
    ids.append(rows: other.ids)
    labels += other.labels
  }

  /// Encodes a data set, or a part of it, with a tokenizer: each process of the job its batches. All get all tokens.
  /// - Parameters:
  ///   - indices: which images; nil for all, in order.
  ///   - batch: images given to the tokenizer at once.
  ///   - progress: called with the number of images done; what it throws, it throws in all processes.
  public static func encode(
    _ data: any ImageSource, indices: [Int]? = nil, batch: Int, progress: (Int) throws -> Void = { _ in },
    encoder: (Tensor) throws -> IndexTensor
  ) throws -> TokenSet {
    var tokens: TokenSet?
    try encodeInRounds(data, indices: indices ?? Array(0..<data.count), batch: batch, encoder: encoder) { new in
      if tokens == nil { tokens = new } else { tokens?.append(new) }
      try progress(tokens?.count ?? 0)
    }
    return tokens ?? TokenSet(ids: IndexArray([], [0, 0]), labels: [])
  }

  /// Encodes images in batches, of which each process of the job takes one a round.
  /// - Parameter receive: called in all processes with the tokens of a round's images, in the order of the indices.
  static func encodeInRounds(
    _ data: any ImageSource, indices: [Int], batch: Int, encoder: (Tensor) throws -> IndexTensor,
    receive: (TokenSet) throws -> Void
  ) throws {
    let group = ProcessGroup.current
    let batches = stride(from: 0, to: indices.count, by: batch).map {
      Array(indices[$0..<min($0 + batch, indices.count)])
    }
    let own = group.rounds(batches)
    let images = data.batches(of: own.compactMap(\.self))
    for round in own.indices {
      let ids = try own[round].flatMap { _ in try images.next() }.map { try encoder($0.images).values } ?? []
      let values = Array(group.gather(ids).joined())
      let labels = batches.dropFirst(round * group.size).prefix(group.size).joined().map(data.label(at:))
      try receive(TokenSet(ids: IndexArray(values, [labels.count, values.count / labels.count]), labels: labels))
    }
  }
}

/// Tokens that are made when first asked for: a stage that is resumed at its end never encodes anything.
public final class TokenSource {
  private let make: () throws -> TokenSet
  private var made: TokenSet?
  private var sampler: BatchSampler?

  /// A source that calls `make` once, on first use.
  public init(_ make: @escaping () throws -> TokenSet) { self.make = make }

  /// The tokens.
  public func tokens() throws -> TokenSet {
    if let made { return made }
    let tokens = try make()
    made = tokens
    return tokens
  }

  /// The sequences that a training step sees, shuffled anew every epoch, and their indices.
  package func batch(step: Int, size: Int, seed: UInt64) throws -> (indices: [Int], tokens: TokenSet) {
    let tokens = try tokens()
    var current = sampler ?? BatchSampler(count: tokens.count, batchSize: size, seed: seed)
    precondition(current.batchSize == size && current.seed == seed, "TokenSource: another batch size or seed")
    defer { sampler = current }
    let indices = current.indices(step: step)
    return (indices, tokens.rows(indices))
  }
}
