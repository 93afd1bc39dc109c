import Artifacts
import Datasets

/// The classes that stand above the columns of a picture grid, one a column.
public struct ClassColumns: Sendable {
  /// The class of each column: all, each as often as the others, where they fit; else some, evenly spread.
  public let classes: [Int]
  /// Their names.
  public let names: [String]

  private static let most = 10

  /// Columns for classes.
  /// - Parameter all: one name for each class; empty, or with letters that pictures lack, it is the class's number.
  public init(names all: [String]) {
    let count = all.count
    classes =
      count > Self.most
      ? (0..<Self.most).map { $0 * count / Self.most } : (0..<(Self.most / count * count)).map { $0 % count }
    names = Self.names(of: classes, among: all)
  }

  /// What stands above columns of some classes.
  /// - Parameter all: as of `init`.
  public static func names(of classes: [Int], among all: [String]) -> [String] {
    classes.map { all[$0].isEmpty || !RGBImage.canWrite(all[$0]) ? "class \($0)" : all[$0] }
  }

  /// The classes of images row by row.
  public func labels(rows: Int) -> [Int32] { (0..<rows).flatMap { _ in classes.map { Int32($0) } } }
}

extension ClassMapping {
  /// A name for each class; empty for a class without one.
  func names(count: Int) -> [String] {
    var names = [String](repeating: "", count: count)
    guard case .folders(let numbers) = self else { return names }
    for (name, number) in numbers where names.indices.contains(number) { names[number] = name }
    return names
  }
}

extension TeacherFile.Loaded {
  /// A name for each class, as far as the file says: those of the folders that it was trained on, or of the built-in
  /// images; empty for a class without one.
  public var classNames: [String] {
    if let classes = trainingClasses { return classes.names(count: teacher.classCount) }
    let names = Shapes32(.train).classNames
    let isBuiltIn = trainingData == Shapes32.name && names.count == teacher.classCount
    return isBuiltIn ? names : [String](repeating: "", count: teacher.classCount)
  }
}
