"""HTTP in, HTTP out. One module for each room of the site; each brings a `blueprint`."""
