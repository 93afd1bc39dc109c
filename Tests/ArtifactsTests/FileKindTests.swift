import Foundation
import TestSupport
import Testing

@testable import Artifacts

/// Files that are something else than they are opened as: the error says what they are.
@Suite struct FileKindTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private static let pointer = Array(
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\nsize 1335\n".utf8)

  /// Every way to open a file.
  private static let readers: [(String, @Sendable (String) throws -> Void)] = [
    ("weights", { _ = try WeightsFile.open($0) }), ("numpy", { _ = try NumPyFile.open($0) }),
    ("png", { _ = try RGBImage.read($0) }), ("check", { _ = try ImageFileCheck($0) }),
    ("checkpoint", { _ = try Checkpoint.read(from: $0, expectingKind: "teacher") }),
  ]

  @Test(arguments: readers.map(\.0)) func pointersAndPagesAreCalledWhatTheyAre(reader: String) throws {
    let read = try #require(Self.readers.first { $0.0 == reader }?.1)
    let page = Array("\u{FEFF}\n <!DOCTYPE HTML>\n<title>Quota exceeded</title>".utf8)
    for (bytes, said) in [(Self.pointer, "a Git LFS pointer in place of a file of 1335 bytes"), (page, "an HTML page")]
    {
      let path = try folder.overwrite(bytes, "pretended")
      let error = artifactError { try read(path) }
      #expect(name(of: error) == "wrongFormat")
      #expect(error?.description.contains("pretended: \(said)") == true, "\(error?.description ?? "none")")
    }
  }

  @Test func archivesOfTheOtherKindAreNamed() throws {
    let npz = try folder.overwrite(NumPyFixture.archive.bytes, "a.pth")
    #expect(
      artifactError { _ = try WeightsFile.open(npz) }?.description.contains("a.pth: a NumPy file, neither") == true)
    let pth = try folder.overwrite(WeightsFixture.zip().bytes, "a.npz")
    #expect(artifactError { _ = try NumPyFile.open(pth) }?.description.contains("a.npz: a PyTorch file, no") == true)
  }

  @Test func kindsFollowFromTheFirstBytes() throws {
    let npz = NumPyFixture.archive.bytes
    let image = RGBImage(width: 1, height: 1, pixels: [1, 2, 3]).encodedPNG()
    for (bytes, kind) in [
      (WeightsFixture.zip().bytes, .pytorch), (WeightsFixture.legacy(), .pytorch),
      (WeightsFixture.safetensors, .safetensors), (npz, .numPyArchive),
      (NumPyFixture.array("<f8", "()", []), .numPyArray),
      (Array(image), .png), (Self.pointer, .lfsPointer(byteCount: 1335)), ([], .unknown), ([0x50, 0x4B, 3, 4], .zip),
      (Array("plain text".utf8), .unknown),
    ] as [([UInt8], FileKind)] {
      #expect(try FileKind(ofFile: try folder.overwrite(bytes, "kind")) == kind)
    }
  }
}
