/// The classes of the images of a folder, decided.
struct ClassResolution {
  let mapping: ClassMapping
  /// Class of each image, in the layout's order.
  let labels: [Int32]
  /// Number of classes.
  let count: Int
  /// One line that says which class is which.
  let summary: String
}

extension ImageLayout {
  /// Decides which classes the images are of. Nothing is guessed: text order holds where it is what any reader would
  /// take, else `rule` must say.
  /// - Parameter recorded: what the run to go on with began with; nothing else may come out.
  /// - Throws: `DatasetError.unclearClasses`, or `.wrongClasses` where rule, images and teacher do not go together.
  func classes(_ rule: ClassRule?, known: KnownClasses, recorded: ClassMapping?) throws -> ClassResolution {
    let found = try loose.isEmpty ? ofFolders(rule, known, recorded) : ofFileNames(rule, known)
    guard recorded == nil || recorded == found.mapping else {
      throw wrong("its images are of other classes than the run began with; give them as they were, without --classes")
    }
    return found
  }

  // MARK: Folders

  private func ofFolders(
    _ rule: ClassRule?, _ known: KnownClasses, _ recorded: ClassMapping?
  ) throws -> ClassResolution {
    let (numbers, order): ([String: Int], String)
    switch (rule, recorded) {
    case (nil, .folders(let kept)?):
      try require(namesIn: kept, of: "the run's")
      (numbers, order) = (kept, "as the run began")
    case (nil, _): (numbers, order) = try byDefault(known)
    case (.text?, _): (numbers, order) = (inTextOrder, "in text order")
    case (.numbers?, _): (numbers, order) = (try byNumber(), "by number")
    case (.list(let list, let path)?, _): (numbers, order) = (try byList(list, path), "as \(path) says")
    }
    let count = known.count ?? min((numbers.values.max() ?? 0) + 1, Self.mostClasses)
    if let beyond = numbers.filter({ !(0..<count).contains($0.value) }).min(by: { $0.value < $1.value }) {
      throw wrong(
        "its folder \(beyond.key) is class \(beyond.value) where the teacher has \(Self.range(count)); take it away or "
          + "say with --classes which classes the folders are")
    }
    let labels = folders.flatMap { folder in
      [Int32](repeating: Int32(numbers[folder.name] ?? 0), count: folder.files.count)
    }
    let ends = [numbers.min { $0.value < $1.value }, numbers.count > 1 ? numbers.max { $0.value < $1.value } : nil]
    let examples = ends.compactMap { $0.map { "\($0.value) = \($0.key)" } }.joined(separator: " ... ")
    return ClassResolution(
      mapping: .folders(numbers: numbers), labels: labels, count: count,
      summary: "\(numbers.count) folder(s) \(order), \(examples)" + Self.without(labels, count))
  }

  /// Where nobody has said which is which.
  private func byDefault(_ known: KnownClasses) throws -> ([String: Int], order: String) {
    if let empty = folders.first(where: \.files.isEmpty) {
      throw DatasetError.unclearClasses(path: path, detail: "its folder \(empty.name) holds no image")
    }
    if known.hasAllNames || folders.contains(where: { known.numbers[$0.name] != nil }) {
      try require(namesIn: known.numbers, of: "the teacher's")
      let names = Set(folders.map(\.name))
      return (known.numbers.filter { names.contains($0.key) }, "by the teacher's names")
    }
    if let count = known.count, count != folders.count {
      throw DatasetError.unclearClasses(
        path: path, detail: "has \(folders.count) folder(s) of images where the teacher has \(count) class(es)")
    }
    if let (beginning, numbers) = Self.numbers(inNames: folders.map(\.name)) {
      guard numbers == numbers.sorted() else {
        let names = folders.prefix(3).map(\.name).joined(separator: ", ")
        throw DatasetError.unclearClasses(path: path, detail: "in text order its folders' numbers are mixed (\(names))")
      }
      // Numbers that are not the classes' own could be meant either way.
      guard known.count != nil || !beginning.isEmpty || numbers == Array(0..<numbers.count) else {
        throw DatasetError.unclearClasses(
          path: path, detail: "its folders are numbers, and not 0 to \(numbers.count - 1)")
      }
    }
    return (inTextOrder, "in text order")
  }

  private var inTextOrder: [String: Int] {
    Dictionary(uniqueKeysWithValues: folders.enumerated().map { ($0.element.name, $0.offset) })
  }

  private func require(namesIn numbers: [String: Int], of owner: String) throws {
    if let other = folders.first(where: { !$0.files.isEmpty && numbers[$0.name] == nil }) {
      throw DatasetError.unclearClasses(path: path, detail: "its folder \(other.name) is none of \(owner) classes")
    }
  }

  private func byNumber() throws -> [String: Int] {
    let filled = folders.filter { !$0.files.isEmpty }.map(\.name)
    guard let numbers = Self.numbers(inNames: filled)?.numbers else {
      let other = filled.first { Self.numbers(inNames: [$0]) == nil } ?? filled[0]
      throw wrong("--classes numbers, and its folder \(other) is no number; rename it or give --classes FILE")
    }
    guard Set(numbers).count == numbers.count else {
      throw wrong("--classes numbers, and two of its folders have the same one; rename one of them")
    }
    return Dictionary(uniqueKeysWithValues: zip(filled, numbers))
  }

  private func byList(_ list: [String: Int], _ file: String) throws -> [String: Int] {
    var numbers: [String: Int] = [:]
    for folder in folders where !folder.files.isEmpty {
      guard let number = list[folder.name] else {
        throw wrong("its folder \(folder.name) is not in \(file); add a line with its name and its class's number")
      }
      numbers[folder.name] = number
    }
    return numbers
  }

  /// Classes of a teacher that is yet to be trained.
  private static let mostClasses = 65_536

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  /// The numbers that names are, or end in after a beginning that all of them share; nil where they are no numbers.
  private static func numbers(inNames names: [String]) -> (beginning: String, numbers: [Int])? {
    var beginnings: Set<String> = []
    var numbers: [Int] = []
    for name in names {
      let digits = name.utf8.reversed().prefix(while: isDigit).count
      guard digits > 0, let number = Int(String(decoding: name.utf8.suffix(digits), as: UTF8.self)),
        number < Int(Int32.max)
      else { return nil }
      beginnings.insert(String(decoding: name.utf8.dropLast(digits), as: UTF8.self))
      numbers.append(number)
    }
    return beginnings.count == 1 ? beginnings.first.map { ($0, numbers) } : nil
  }

  // MARK: Loose images

  private func ofFileNames(_ rule: ClassRule?, _ known: KnownClasses) throws -> ClassResolution {
    guard rule == nil else {
      throw wrong("holds images, not a folder per class, and --classes is of such folders; leave it out")
    }
    let numbers = loose.map { Self.number(inFile: $0.name) }
    let isSingle = (known.count ?? 1) == 1 && numbers.allSatisfy { $0 == nil || known.count != nil && $0 == 0 }
    guard !isSingle || !numbers.contains(nil) else {
      return ClassResolution(
        mapping: .single, labels: [Int32](repeating: 0, count: loose.count), count: 1, summary: "one, of all images")
    }
    if let other = numbers.firstIndex(of: nil) {
      throw DatasetError.unclearClasses(
        path: path,
        detail: "\(loose[other].name) carries no class, neither a folder's nor one in its name such as -class3.png"
          + (known.count.map { ", where the teacher has \($0)" } ?? ", where others do"))
    }
    let classes = numbers.compactMap(\.self)
    let count = known.count ?? Set(classes).count
    guard let index = classes.firstIndex(where: { $0 >= count }) else {
      let labels = classes.map { Int32($0) }
      return ClassResolution(
        mapping: .fileNames, labels: labels, count: count,
        summary: "\(Set(classes).count) by the numbers in the images' names" + Self.without(labels, count))
    }
    let bound =
      known.count == nil
      ? "and its images are of \(count) class(es), which must be \(Self.range(count)) to train a teacher of"
      : "where the teacher has \(Self.range(count))"
    throw wrong("\(loose[index].name) names class \(classes[index]), \(bound); rename or remove it")
  }

  /// The class in a name such as `000123-class3.png`, of an image that is read.
  private static func number(inFile name: String) -> Int? {
    name.firstMatch(of: /-class(\d+)\.[a-z]+$/.ignoresCase()).map { Int($0.1) ?? .max }
  }

  // MARK: Words

  private func wrong(_ detail: String) -> DatasetError { .wrongClasses(path: path, detail: detail) }

  private static func range(_ count: Int) -> String { count == 1 ? "0 alone" : "0 to \(count - 1)" }

  /// Names the first classes without images.
  private static func without(_ labels: [Int32], _ count: Int) -> String {
    let present = Set(labels)
    let missing = (0..<Int32(count)).filter { !present.contains($0) }
    guard !missing.isEmpty else { return "" }
    let more = missing.count > 5 ? " and \(missing.count - 5) more" : ""
    return "; without images: " + missing.prefix(5).map(String.init).joined(separator: ", ") + more
  }
}
