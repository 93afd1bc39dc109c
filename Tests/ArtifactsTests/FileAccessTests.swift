import Foundation
import TestSupport
import Testing

@testable import Artifacts

@Suite struct PathBytesTests {
  /// Bytes of names: text, Latin-1, a cut sequence of UTF-8, and the characters that stand for bytes.
  @Test(
    arguments: [
      Array("grüße 木.png".utf8), [0x6F, 0xE9], [0xE9], [0xE2, 0x82], [0x41, 0xE2, 0x82, 0xAC, 0xFF, 0x42],
      Array("\u{10FEE9}".utf8), Array("\u{10FEE9}".utf8) + [0xE9], [],
    ] as [[UInt8]])
  func anyNameComesBack(_ bytes: [UInt8]) {
    let text = String(pathBytes: bytes)
    #expect(text.pathBytes == bytes)
    #expect(text.withPath { Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))) } == bytes)
  }

  @Test func differentNamesStayDifferent() {
    #expect(String(pathBytes: [0xE9]) != String(pathBytes: Array("\u{10FEE9}".utf8)))
    #expect(String(pathBytes: Array("é".utf8)) == "é")
  }

  @Test func partsFollowTheSlashes() {
    let paths = ["a/b/c.h5", "c.h5", "/c.h5", "a/b/", "/", "../x", "a//b"]
    #expect(paths.map(\.pathName) == ["c.h5", "c.h5", "c.h5", "b", "/", "x", "b"])
    #expect(paths.map(\.pathFolder) == ["a/b", ".", "/", "a", "/", "..", "a/"])
    #expect(["a.PNG", "a.b/c", ".png", "x.tar.gz", "y."].map(\.pathExtension) == ["png", "", "", "gz", ""])
  }
}

@Suite struct FileAccessTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func text(_ name: String) throws -> String {
    String(decoding: try FileAccess.contents(of: folder.file(name)), as: UTF8.self)
  }

  @Test func namesAreOfAnyBytesAndInTheOrderOfPython() throws {
    let latin = String(pathBytes: [0x6F, 0xE9])
    for name in [latin, "b", "B", "é", "e\u{301}", "10", "9", "Z木"] {
      try AtomicFile.write(Data(name.utf8), to: folder.file(name))
    }
    // As sorted(os.listdir(".")) gives them. Strings of Swift are equal where their bytes need not be.
    let expected = ["10", "9", "B", "Z木", "b", "e\u{301}", latin, "é"]
    #expect(try FileAccess.names(in: folder.path).map(\.pathBytes) == expected.map(\.pathBytes))
    #expect(try text(latin) == latin)
    #expect(FileAccess.resolved(folder.file(latin))?.pathBytes.suffix(2) == [0x6F, 0xE9])
    try FileAccess.remove(folder.file(latin))
    #expect(!FileAccess.exists(folder.file(latin)) && FileAccess.exists(folder.file("é")))
  }

  @Test func whatIsThereIsNotCalledMissing() throws {
    let pipe = folder.file("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(name(of: artifactError { try FileAccess.check(pipe) }) == "notReadable")
    #expect(name(of: artifactError { try FileAccess.check(folder.path) }) == "notReadable")
    #expect(name(of: artifactError { try FileAccess.check(folder.file("none")) }) == "missingFile")
    #expect(name(of: artifactError { try FileAccess.check(folder.file("none/deep")) }) == "missingFile")
    let long = folder.file(String(repeating: "x", count: 300))
    #expect(name(of: artifactError { try FileAccess.check(long) }) == "notReadable")
    #expect(name(of: artifactError { _ = try HDF5File(reading: pipe) }) == "notReadable")
    #expect(name(of: artifactError { _ = try WeightsFile.open(pipe) }) == "notReadable")
    // Text may come through a pipe, as from a shell's <(...).
    let writer = Thread { try? Data("[]".utf8).write(to: URL(fileURLWithPath: pipe), options: []) }
    writer.start()
    #expect(try text("pipe") == "[]")
  }
}

@Suite struct AtomicFileTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func write(_ text: String, _ name: String) throws {
    try AtomicFile.write(Data(text.utf8), to: folder.file(name))
  }

  /// The file that a link leads to is replaced, not the link; also one that is not there yet, and through two links.
  @Test func linksAreWrittenThrough() throws {
    try folder.makeFolder("real")
    for (link, target) in [("a", "real/old"), ("b", "real/new"), ("c", "b"), ("d", folder.file("real/far"))] {
      try FileManager.default.createSymbolicLink(atPath: folder.file(link), withDestinationPath: target)
    }
    try write("old", "real/old")
    try write("1", "a")
    try write("2", "c")
    try write("3", "d")
    for (name, text) in [("old", "1"), ("new", "2"), ("far", "3")] {
      #expect(try folder.contents("real/" + name) == Data(text.utf8))
    }
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.file("a")) == "real/old")
    #expect(try FileAccess.names(in: folder.file("real")) == ["far", "new", "old"])
    try FileManager.default.createSymbolicLink(atPath: folder.file("loop"), withDestinationPath: "loop")
    #expect(name(of: artifactError { try write("4", "loop") }) == "cannotCreate")
  }

  @Test func nothingButOrdinaryFilesIsReplaced() throws {
    try folder.makeFolder("sub")
    #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
    try FileManager.default.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: "pipe")
    var names = ["sub", "pipe", "link"]
    // Root alone may make a device.
    if mknod(folder.file("device"), S_IFCHR | 0o600, 1 << 8 | 3) == 0 { names.append("device") }
    for place in names {
      #expect(name(of: artifactError { try write("x", place) }) == "cannotCreate")
      #expect(name(of: artifactError { try AtomicFile.requirePlace(for: folder.file(place)) }) == "cannotCreate")
      #expect(name(of: artifactError { _ = try HDF5Writer(path: folder.file(place)) }) == "cannotCreate")
      #expect(name(of: artifactError { _ = try MetricLog(appendingTo: folder.file(place)) }) == "cannotCreate")
    }
    #expect(FileAccess.kind(folder.file("pipe")) == .pipe)
    #expect(try folder.names() == names.sorted())
  }

  @Test func namesMayBeAsLongAsNamesCanBe() throws {
    let longest = String(repeating: "é", count: 127) + "x"
    try write("x", longest)
    let writer = try HDF5Writer(path: folder.file(longest))
    try writer.write(HostArray(Int64(1)), to: "a")
    try writer.finish()
    #expect(try HDF5File(reading: folder.file(longest)).contains("a"))
    #expect(try folder.names() == [longest])
    // A longer one is no place for a file, rather than a file that cannot be read.
    #expect(name(of: artifactError { try AtomicFile.requirePlace(for: folder.file(longest + "x")) }) == "cannotCreate")
  }

  /// What a killed process left goes when something is next written there; what is being written stays.
  @Test func abandonedTemporariesAreSwept() throws {
    try folder.write(Data("x".utf8), ".dd2-1-abc.tmp")
    try folder.write(Data("x".utf8), ".other.tmp")
    let held = try folder.write(Data("x".utf8), ".dd2-2-abc.tmp")
    let descriptor = open(held, O_RDONLY | O_CLOEXEC)
    defer { close(descriptor) }
    #expect(flock(descriptor, LOCK_EX) == 0)
    try write("x", "a")
    #expect(try folder.names() == [".dd2-2-abc.tmp", ".other.tmp", "a"])
  }

  @Test func aFailureLeavesNothing() throws {
    try write("old", "a")
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      let writer = try HDF5Writer(path: folder.file("a"))
      defer { writer.abandon() }
      throw Stop()
    }
    #expect(try folder.names() == ["a"])
    #expect(try folder.contents("a") == Data("old".utf8))
  }
}
