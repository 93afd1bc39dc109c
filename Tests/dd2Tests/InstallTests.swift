import Foundation
import TestSupport
import Testing

/// What `make install` puts below its prefix.
@Suite struct InstallTests {
  @Test func anInstalledProgramHasAllThatComesWithIt() throws {
    let folder = try TemporaryFolder()
    let dd2 = Command(folder: folder)
    let installation = try dd2.bash("bash '\(Command.bundledModels)/../scripts/install.sh' \"$PWD/usr\"")
    #expect(installation.status == 0, "\(installation.log)")

    // Away from the checkout, with nothing set.
    let sample = try dd2.bash("usr/bin/dd2 sample --one-step -o out --count 1", models: "")
    #expect(
      sample.status == 0 && sample.log.contains("usr/share/dd2/Models/shapes32-var-generator.h5"), "\(sample.log)")
    #expect(try dd2.bash("usr/bin/dd2 weights verify", models: "").status == 0)

    let page = try String(decoding: folder.contents("usr/share/man/man1/dd2.1"), as: UTF8.self)
    for command in ["distill", "weights import", "runs clean"] {
      #expect(page.contains("\n.Ss dd2 \(command)\n.Bd -literal\nOVERVIEW: "))
    }
    #expect(try dd2.bash("bash -n usr/share/bash-completion/completions/dd2").status == 0)
    for shell in ["bash-completion/completions/dd2", "zsh/site-functions/_dd2", "fish/vendor_completions.d/dd2.fish"] {
      let script = try String(decoding: folder.contents("usr/share/" + shell), as: UTF8.self)
      #expect(script.contains("checkpoint") && script.contains("shapes32-llamagen"), "\(shell)")
    }
  }
}
