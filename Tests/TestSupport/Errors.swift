import Artifacts

/// The error of `body`, nil if it throws none or one of another type.
public func artifactError(_ body: () throws -> Void) -> ArtifactError? {
  do {
    try body()
    return nil
  } catch {
    return error as? ArtifactError
  }
}

/// The name of an error's case.
public func name(of error: ArtifactError?) -> String? {
  error.flatMap { Mirror(reflecting: $0).children.first?.label }
}
