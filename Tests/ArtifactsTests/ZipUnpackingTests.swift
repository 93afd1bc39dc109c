import Foundation
import TestSupport
import Testing

@testable import Artifacts

@Suite struct ZipUnpackingTests {
  private func unpack(_ entries: [ZipBytes.Entry], _ body: (String, ArtifactError?) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let path = folder + "/a.whl"
      try AtomicFile.write(Data(ZipBytes(entries: entries).bytes), to: path)
      let error = artifactError { try ZipUnpacking.unpack(path, into: folder + "/out") {} }
      try body(folder + "/out", error)
    }
  }

  @Test func filesFoldersAndPrograms() throws {
    let large = (0..<1_100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 7) }
    var program = ZipBytes.Entry(name: "bin/tool", content: Array("#!/bin/sh\n".utf8))
    program.isExecutable = true
    let entries = [
      ZipBytes.Entry(name: "lib/large.so", content: large), program, .init(name: "empty/", content: []),
      .init(name: "nothing", content: []),
    ]
    try unpack(entries) { out, error in
      #expect(error == nil)
      let names = try FileAccess.names(in: out)
      #expect(names == ["bin", "empty", "lib", "nothing"])
      #expect(try FileAccess.contents(of: out + "/lib/large.so") == Data(large))
      #expect(access(out + "/bin/tool", X_OK) == 0 && access(out + "/lib/large.so", X_OK) != 0)
      #expect(FileAccess.isFolder(out + "/empty"))
    }
  }

  @Test(arguments: ["../x", "a/../../x", "/x", "a//x"]) func noNameLeadsOutOfTheFolder(name: String) throws {
    try unpack([.init(name: name, content: [1])]) { out, error in
      guard case .corrupt = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(!FileAccess.exists(out) && !FileAccess.exists(out.pathFolder + "/x"))
    }
  }

  @Test func damageIsFound() throws {
    var entry = ZipBytes.Entry(name: "x", content: [1, 2, 3])
    entry.checksum = 7
    try unpack([entry]) { out, error in
      #expect(name(of: error) == "corrupt")
      #expect(!FileAccess.exists(out + "/x"))
    }
  }

  @Test func aFolderIsRemovedWithAllButWhatLinksLeadTo() throws {
    try withTemporaryFolder { folder in
      try FileAccess.makeFolder(folder + "/a/b/c")
      try FileAccess.makeFolder(folder + "/kept")
      for path in ["a/b/file", "kept/file"] { try AtomicFile.write(Data([1]), to: folder + "/" + path) }
      #expect(symlink(folder + "/kept", folder + "/a/link") == 0)
      try FileAccess.removeFolder(folder + "/a")
      try FileAccess.removeFolder(folder + "/a")
      #expect(try FileAccess.names(in: folder) == ["kept"])
      #expect(FileAccess.exists(folder + "/kept/file"))
    }
  }
}
