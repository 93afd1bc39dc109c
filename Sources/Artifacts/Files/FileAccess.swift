import Foundation

/// The file system, by its own calls: errors tell what is not there from what cannot be read, names may hold any bytes
/// (`String.pathBytes`), and nothing depends on the current folder but relative paths.
public enum FileAccess {
  /// What lies at a path, links followed.
  public enum Kind: Equatable, Sendable {
    case file, folder, pipe
    /// A device or a socket.
    case special
  }

  /// What the system says of a path, links followed; nil where nothing is there.
  /// - Throws: `ArtifactError.notReadable` where that is not known, as in a folder that may not be searched.
  public static func status(_ path: String) throws -> stat? {
    var status = stat()
    if path.withPath({ stat($0, &status) }) == 0 { return status }
    guard errno == ENOENT || errno == ENOTDIR else {
      throw ArtifactError.notReadable(path: path, detail: systemMessage())
    }
    return nil
  }

  /// What lies at a path; nil where nothing is there, or that is not known.
  public static func kind(_ path: String) -> Kind? { (try? status(path)).flatMap { $0 }.map(kind) }

  static func kind(_ status: stat) -> Kind {
    switch status.st_mode & S_IFMT {
    case S_IFREG: .file
    case S_IFDIR: .folder
    case S_IFIFO: .pipe
    default: .special
    }
  }

  /// Whether something lies at a path.
  public static func exists(_ path: String) -> Bool { kind(path) != nil }

  /// Whether a folder lies at a path.
  public static func isFolder(_ path: String) -> Bool { kind(path) == .folder }

  /// Throws `ArtifactError.missingFile` or `.notReadable` unless `path` is an ordinary file, or a pipe where that will do,
  /// and can be opened.
  public static func check(_ path: String, allowsPipe: Bool = false) throws {
    guard let status = try status(path) else { throw ArtifactError.missingFile(path: path) }
    switch kind(status) {
    case .file: break
    case .pipe where allowsPipe: break
    case .folder: throw ArtifactError.notReadable(path: path, detail: "it is a folder")
    case .pipe, .special: throw ArtifactError.notReadable(path: path, detail: "it is not an ordinary file")
    }
    guard path.withPath({ access($0, R_OK) }) == 0 else {
      throw ArtifactError.notReadable(path: path, detail: systemMessage())
    }
  }

  /// Opens an ordinary file for reading. Throws as `check`.
  static func openForReading(_ path: String) throws -> Int32 {
    try check(path)
    // Without O_NONBLOCK, opening a pipe that took the file's place waits for someone to write into it.
    return try open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  }

  private static func open(_ path: String, _ flags: Int32) throws -> Int32 {
    let descriptor = path.withPath { Foundation.open($0, flags) }
    guard descriptor >= 0 else { throw ArtifactError.notReadable(path: path, detail: systemMessage()) }
    return descriptor
  }

  /// The whole contents of a file, or of a pipe until its writer ends; throws as `check`, and `ArtifactError.inputOutput`
  /// if reading fails.
  public static func contents(of path: String) throws -> Data {
    var data = Data()
    try forEachPart(of: path) { data.append($0) }
    return data
  }

  /// The first bytes of a file, `count` of them unless it is shorter. Throws as `contents`, also for a pipe.
  public static func start(of path: String, count: Int) throws -> [UInt8] {
    let descriptor = try openForReading(path)
    defer { close(descriptor) }
    return Array(try part(of: descriptor, atMost: count, path: path))
  }

  /// Calls `body` with the contents of a file or pipe, piece by piece. Throws as `contents`, and what `body` throws.
  static func forEachPart(of path: String, _ body: (Data) throws -> Void) throws {
    try check(path, allowsPipe: true)
    let descriptor = try open(path, O_RDONLY | O_CLOEXEC)
    defer { close(descriptor) }
    var status = stat()
    // As large as a small file, of which there may be many; a pipe has no size.
    let size = fstat(descriptor, &status) == 0 && kind(status) == .file ? Int(status.st_size) + 1 : 1 << 16
    while true {
      let piece = try part(of: descriptor, atMost: min(size, 1 << 20), path: path)
      guard !piece.isEmpty else { return }
      try body(piece)
    }
  }

  private static func part(of descriptor: Int32, atMost count: Int, path: String) throws -> Data {
    var data = Data(count: count)
    let length = data.withUnsafeMutableBytes { bytes in
      while true {
        let length = read(descriptor, bytes.baseAddress, bytes.count)
        if length >= 0 || errno != EINTR { return length }
      }
    }
    guard length >= 0 else { throw ArtifactError.inputOutput(path: path, detail: systemMessage()) }
    return data.prefix(length)
  }

  /// Names of what a folder holds, in the order of their code points, as Python sorts them.
  /// - Throws: `ArtifactError.missingFile`, or `.notReadable` where it is no folder or cannot be listed.
  public static func names(in path: String) throws -> [String] {
    guard let status = try status(path) else { throw ArtifactError.missingFile(path: path) }
    guard kind(status) == .folder else { throw ArtifactError.notReadable(path: path, detail: "it is no folder") }
    guard let folder = path.withPath({ opendir($0) }) else {
      throw ArtifactError.notReadable(path: path, detail: systemMessage())
    }
    defer { closedir(folder) }
    var names: [String] = []
    errno = 0
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: tuple.pointee)) {
          String(path: $0)
        }
      }
      if name != ".", name != ".." { names.append(name) }
      errno = 0
    }
    guard errno == 0 else { throw ArtifactError.notReadable(path: path, detail: systemMessage()) }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// When a file was last changed, in nanoseconds since 1970; nil where it is not there.
  public static func modificationTime(_ path: String) -> Int? {
    (try? status(path)).flatMap { $0 }.map {
      Int($0.st_mtim.tv_sec) * 1_000_000_000 + Int($0.st_mtim.tv_nsec)
    }
  }

  /// Makes now the time of a file's last change, if the system lets it.
  public static func touch(_ path: String) { _ = path.withPath { utimensat(AT_FDCWD, $0, nil, 0) } }

  /// Whether two paths lead to one file that is there.
  public static func areSame(_ a: String, _ b: String) -> Bool {
    guard let left = try? status(a), let right = try? status(b) else { return false }
    return left.st_dev == right.st_dev && left.st_ino == right.st_ino
  }

  /// Makes a folder and its parents; one that is there already is left alone.
  /// - Throws: `ArtifactError.cannotCreate`.
  public static func makeFolder(_ path: String) throws {
    if isFolder(path) { return }
    let parent = path.pathFolder
    if parent != path, !exists(parent) { try makeFolder(parent) }
    let status = path.withPath { mkdir($0, 0o777) }
    // Another process may have made it meanwhile.
    guard status != 0, !(errno == EEXIST && isFolder(path)) else { return }
    guard errno == EEXIST else { throw creationError(path) }
    throw ArtifactError.cannotCreate(path: path, detail: "something that is no folder is there")
  }

  /// The error of a file or folder that the system has just refused to make: a full disk is no matter of the place.
  static func creationError(_ path: String) -> ArtifactError {
    errno == ENOSPC || errno == EDQUOT
      ? .inputOutput(path: path, detail: systemMessage()) : .cannotCreate(path: path, detail: systemMessage())
  }

  /// Removes a file or an empty folder. Throws `ArtifactError.inputOutput` where it cannot be removed.
  public static func remove(_ path: String) throws {
    guard path.withPath({ Foundation.remove($0) }) == 0 else {
      throw ArtifactError.inputOutput(path: path, detail: systemMessage())
    }
  }

  /// Removes a folder with all that it holds; links are removed, not followed. One that is not there is no error.
  /// - Throws: as `remove` and `names`.
  public static func removeFolder(_ path: String) throws {
    var status = stat()
    guard path.withPath({ lstat($0, &status) }) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in try names(in: path) { try removeFolder(path + "/" + name) }
    }
    try remove(path)
  }

  /// Gives a file another name, which is free or another file's that goes. Throws `ArtifactError.cannotCreate`.
  public static func rename(_ path: String, to target: String) throws {
    let status = path.withPath { old in target.withPath { new in Foundation.rename(old, new) } }
    guard status == 0 else { throw ArtifactError.cannotCreate(path: target, detail: systemMessage()) }
  }

  /// The path with all links in it followed; nil where nothing is there.
  public static func resolved(_ path: String) -> String? {
    guard let real = path.withPath({ realpath($0, nil) }) else { return nil }
    defer { free(real) }
    return String(path: real)
  }

  /// A path in the environment; nil where the variable is unset or empty.
  public static func path(inVariable name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(path: value)
  }

  /// The current folder; nil where it has been deleted.
  public static var currentFolder: String? {
    guard let path = getcwd(nil, 0) else { return nil }
    defer { free(path) }
    let text = String(path: path)
    // Of a folder out of reach the kernel gives '(unreachable)' and a path.
    return text.hasPrefix("/") ? text : nil
  }

  /// The text of the last failed system call.
  public static func systemMessage() -> String { String(cString: strerror(errno)) }
}
