/// The class of every sample to draw, by its number.
public struct LabelStream: Equatable, Sendable {
  private enum Rule: Equatable, Sendable {
    case balanced
    case fixed(Int32)
  }

  /// Number of classes.
  public let classCount: Int
  private let rule: Rule

  private init(classCount: Int, rule: Rule) {
    self.classCount = classCount
    self.rule = rule
  }

  /// Sample i is of class i % classCount.
  public static func balanced(classCount: Int) -> LabelStream {
    precondition(classCount > 0, "LabelStream: \(classCount) classes")
    return LabelStream(classCount: classCount, rule: .balanced)
  }

  /// Every sample is of one class. Throws `DatasetError.unknownClass` where there is no such class.
  public static func fixed(_ label: Int, classCount: Int) throws -> LabelStream {
    guard label >= 0 && label < classCount else {
      throw DatasetError.unknownClass(label, classCount: classCount)
    }
    return LabelStream(classCount: classCount, rule: .fixed(Int32(label)))
  }

  /// The class of one sample.
  public func label(at sample: Int) -> Int32 {
    switch rule {
    case .balanced: Int32(sample % classCount)
    case .fixed(let label): label
    }
  }

  /// The classes of consecutive samples.
  public func labels(_ samples: Range<Int>) -> [Int32] { samples.map(label(at:)) }
}
