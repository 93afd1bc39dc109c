import Foundation
import TestSupport
import Testing

/// Words of the command line that are empty, or that nothing is called.
@Suite struct CommandWordTests {
  private let folder: TemporaryFolder
  private let dd2: Command

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  @Test(arguments: [
    (["weights", "import", "--output=", "keep.pth", "a", "b"], "--output= has no value"),
    (["weights", "import", "-o=", "keep.pth", "a", "b"], "-o= has no value"),
    (["teacher", "sample", "--tokens-out=", "keep.pth"], "--tokens-out= has no value"),
    (["sample", "--one-step", "-o", "out", "--count="], "--count= has no value"),
    (["sample", "--one-step", "-o", ""], "the word behind '-o' is empty"),
    (["teacher", "inspect", ""], "the word behind 'inspect' is empty"),
    (["teacher", "inspect", "--", ""], "the word behind '--' is empty"),
    (["", "sample"], "the first word is empty"),
  ])
  func emptyValues(arguments: [String], part: String) throws {
    try folder.write("kept", to: "keep.pth")
    try dd2.expectFailure(arguments, status: 64, saying: [part, "is a shell variable empty?"])
    #expect(try folder.names(in: "") == ["keep.pth"])
    #expect(try folder.contents("keep.pth") == Data("kept".utf8))
  }

  @Test func valuesThatMerelyEndInAnEqualsSign() throws {
    try dd2.expectFailure(["teacher", "inspect", "a="], status: 66, saying: ["a=: no such"])
    try dd2.expectFailure(["teacher", "inspect", "--", "--a="], status: 66, saying: ["--a=: no such"])
    _ = try dd2.succeeding(["data", "render", "--output=out=", "--count", "1"])
    #expect(try folder.names(in: "out=").count == 1)
  }

  /// Words in one string, and how the line begins.
  @Test(arguments: [
    ("distll", "there is no command 'distll'; did you mean 'distill'? (see 'dd2 --help')"),
    ("distll --steps 5 --batch 2", "there is no command 'distll'; did you mean 'distill'? (see 'dd2 --help')"),
    ("distil --stepz 5", "there is no option '--stepz'; did you mean '--steps'?"),
    ("teacher trian --data x", "there is no command 'trian'; did you mean 'train'? (see 'dd2 teacher --help')"),
    ("frobnicate", "there is no command 'frobnicate' (see 'dd2 --help')"),
    ("distill --step 5", "there is no option '--step'; did you mean '--steps'? (see 'dd2 distill --help')"),
    ("distill --stepz=5", "there is no option '--stepz'; did you mean '--steps'?"),
    ("distill -steps 5", "there is no option '-steps'; did you mean '--steps'?"),
    ("distill --steps 5 --techer x", "there is no option '--techer'; did you mean '--teacher'?"),
    ("fid --ref x --no-cahce", "there is no option '--no-cahce'; did you mean '--no-cache'?"),
    ("sample --one-step --out x", "there is no option '--out'; did you mean '--output'?"),
    ("sample --one-step -o x --steps 5", "there is no option '--steps'; it is an option of 'dd2 distill'"),
    ("fid --ref x --frobnicate", "there is no option '--frobnicate' (see 'dd2 fid --help')"),
  ])
  func unknownWords(arguments: String, line: String) throws {
    try dd2.expectFailure(
      arguments.split(separator: " ").map(String.init), status: 64, saying: ["dd2: " + line])
  }

  /// What the parser refuses for something else keeps its words.
  @Test func knownWords() throws {
    try dd2.expectFailure(["distill", "--steps"], status: 64, saying: ["Missing value for '--steps"])
    try dd2.expectFailure(["distill", "--steps", "5", "x"], status: 64, saying: ["'x'"])
    try dd2.expectFailure(["distill", "--steps", "5", "--batch", "-3"], status: 64, saying: ["--batch is -3"])
  }
}
