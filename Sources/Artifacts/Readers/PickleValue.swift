/// A value that a pickle builds. Containers are numbers of entries in a `PickleHeap`, so that values shared or holding
/// themselves cost nothing and nothing is freed recursively.
enum PickleValue: Sendable {
  case none
  case bool(Bool)
  case int(Int)
  case text(String)
  /// A value that no tensor needs and that nobody looks into: a fraction, bytes, a set, an object and all it holds.
  case ignored
  /// Index into `sequences`.
  case list(Int)
  /// Index into `sequences`.
  case tuple(Int)
  /// Index into `dictionaries`.
  case dictionary(Int)
  case global(PickleGlobal)
  /// Index into `storages`.
  case storage(Int)
  /// Index into `tensors`.
  case tensor(Int)

  /// The kind of value, for messages.
  var kind: String {
    switch self {
    case .none: "None"
    case .bool: "a truth value"
    case .int: "an integer"
    case .text: "text"
    case .ignored: "an object of some class"
    case .list: "a list"
    case .tuple: "a tuple"
    case .dictionary: "a dictionary"
    case .global: "a type"
    case .storage: "a storage"
    case .tensor: "a tensor"
    }
  }
}

/// The containers, storages and tensors of a pickle.
struct PickleHeap: Sendable {
  /// A dictionary in the order in which it was filled.
  struct Mapping: Sendable {
    /// Python's keys.
    enum Key: Hashable, Sendable, CustomStringConvertible {
      case text(String)
      case int(Int)
      /// A fraction, a tuple or anything else that gives no name, by its place in the dictionary.
      case unnamed(Int)

      var description: String {
        switch self {
        case .text(let text): text
        case .int(let number): String(number)
        case .unnamed(let place): "(key \(place))"
        }
      }
    }

    private(set) var entries: [(key: Key, value: PickleValue)] = []
    private var keys: Set<Key> = []

    /// Whether there was no such key yet; if there was, nothing changes.
    mutating func insert(_ key: Key, _ value: PickleValue) -> Bool {
      guard keys.insert(key).inserted else { return false }
      entries.append((key, value))
      return true
    }
  }

  /// A storage by the name under which the file holds its bytes.
  struct Storage: Sendable, Equatable {
    let key: String
    /// Nil for untyped bytes.
    let type: WeightsFile.ElementType?
    /// Elements; bytes if untyped.
    let count: Int

    /// Length in bytes, nil if it is no `Int`.
    var byteCount: Int? {
      guard let size = type.map(\.byteCount) ?? 1 else { return nil }
      let (bytes, overflows) = count.multipliedReportingOverflow(by: size)
      return overflows ? nil : bytes
    }
  }

  /// A tensor as described, nothing of it checked.
  struct Tensor: Sendable {
    let storage: Int
    let type: WeightsFile.ElementType
    let shape: [Int]
    let strides: [Int]
    let offset: Int
  }

  var sequences: [[PickleValue]] = []
  var dictionaries: [Mapping] = []
  private(set) var storages: [Storage] = []
  var tensors: [Tensor] = []
  private var storageIndices: [String: Int] = [:]

  /// The index of a storage, new or known; nil if it is known as something else.
  mutating func index(of storage: Storage) -> Int? {
    if let known = storageIndices[storage.key] { return storages[known] == storage ? known : nil }
    storageIndices[storage.key] = storages.count
    storages.append(storage)
    return storages.count - 1
  }

  /// The integers of a tuple or list; nil if it is something else or longer than a tensor has axes.
  func extents(_ value: PickleValue) -> [Int]? {
    switch value {
    case .tuple(let index), .list(let index):
      guard sequences[index].count <= ReaderLimits.rank else { return nil }
      let integers = sequences[index].compactMap { if case .int(let integer) = $0 { integer } else { nil } }
      return integers.count == sequences[index].count ? integers : nil
    default: return nil
    }
  }
}
