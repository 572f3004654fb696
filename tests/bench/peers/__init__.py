# SPDX-License-Identifier: Apache-2.0
"""hob beside other runtimes on the same machine, in turn. See README.md."""
