#!/usr/bin/env node
/** The `odradek` program. */
import { keepCompiled } from '../host/compiled-code.js'
import { nodeProgram } from '../host/program.js'
import { runProgram } from './program.js'

keepCompiled()
void runProgram(nodeProgram)
