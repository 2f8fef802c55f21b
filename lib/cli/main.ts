#!/usr/bin/env node
/** The `odradek` program. */
import { nodeProgram } from '../host/program.js'
import { runProgram } from './program.js'

void runProgram(nodeProgram)
