import Foundation
import PackagePlugin

/// Has the commit written down before each build.
@main struct Commit: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
    let script = context.package.directoryURL.appending(path: "scripts/commit.sh")
    return [
      .prebuildCommand(
        displayName: "Commit", executable: URL(filePath: "/bin/sh"), arguments: [script.path],
        outputFilesDirectory: context.pluginWorkDirectoryURL)
    ]
  }
}
