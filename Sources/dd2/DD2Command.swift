@main struct DD2 { static func main() {} }
