import Foundation
import TestSupport
import Testing

@testable import Artifacts

@Suite struct WeightsManifestTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private let json = """
    [{"name": "a", "family": "var", "kind": "transformer", "urls": ["https://example.org/x/a.pth?download=1"],
      "bytes": 3, "sha256": "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
      "license": "MIT", "layout": "pytorch-zip"},
     {"name": "b", "family": "shapes", "kind": "features", "urls": [], "bytes": null, "sha256": null,
      "license": "MIT", "layout": "dd2", "path": "bundled/b.h5", "notes": "n"}]
    """

  private func manifest() throws -> WeightsManifest {
    try WeightsManifest(reading: try folder.write(Data(json.utf8), "m.json"))
  }

  @Test func readsAndWritesEntries() throws {
    let manifest = try manifest()
    #expect(manifest.entries.map(\.name) == ["a", "b"])
    #expect(try manifest.entry(named: "a").bytes == 3)
    #expect(try manifest.entry(named: "a").relativePath == "a.pth")
    #expect(try manifest.entry(named: "b").relativePath == "bundled/b.h5")
    let again = try JSONDecoder().decode([WeightsManifest.Entry].self, from: JSONEncoder().encode(manifest))
    #expect(again == manifest.entries)
    let error = artifactError { _ = try manifest.entry(named: "c") }
    #expect(error == .missingEntry(path: folder.file("m.json"), name: "c", known: ["a", "b"]))
  }

  @Test(arguments: [
    ("nonsense", "at the top"), ("[{}]", "no name"), ("{}", "not of type"),
    (#"[{"name": 3}]"#, "Index 0.name"),
  ])
  func errorsSayWhere(_ json: String, _ expected: String) throws {
    let path = try folder.write(Data(json.utf8), "bad.json")
    let error = artifactError { _ = try WeightsManifest(reading: path) }
    #expect(name(of: error) == "wrongFormat")
    #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
  }

  @Test func namesAreUnique() throws {
    let twice = json.replacingOccurrences(of: #""name": "b""#, with: #""name": "a""#)
    let path = try folder.write(Data(twice.utf8), "bad.json")
    #expect(name(of: artifactError { _ = try WeightsManifest(reading: path) }) == "wrongFormat")
  }

  @Test func verifiesFiles() throws {
    var entry = try manifest().entry(named: "a")
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    let path = folder.file("a.pth")
    func verify() throws -> WeightsManifest.VerificationResult {
      try WeightsManifest.verify(entry, root: folder.path)
    }
    #expect(try verify() == .missing(path: path))
    _ = try folder.write(Data("abc".utf8), "a.pth")
    #expect(try verify() == .verified(sha256: digest))
    entry.sha256 = nil
    #expect(try verify() == .unpublished(sha256: digest, bytes: 3))
    entry.sha256 = String(repeating: "0", count: 64)
    #expect(try verify() == .wrongHash(path: path, expected: entry.sha256 ?? "", found: digest))
    entry.bytes = 4
    #expect(try verify() == .wrongSize(path: path, expected: 4, found: 3))
    #expect(try verify().isUsable == false)
  }
}
