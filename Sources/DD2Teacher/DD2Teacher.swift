// DD2Teacher
